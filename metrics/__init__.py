"""Turn facts into daily counts, values, alerts and events.

`refresh` runs the pipeline. `rules` has Amazon's rules, `pipeline` and `alerts` have the stages, and
`drilldown` has the orders behind a value.
"""
