"""Facts become daily counts, values, alerts and events.

`refresh` is the pipeline; `rules` are Amazon's rules, `pipeline` and `alerts` its stages, `drilldown` the
orders behind a value.
"""
