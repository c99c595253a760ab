"""Define each metric in one module: what it counts, over which rows, on which day, why, and in which words.

`metrics/rules/catalogue/definitions.py` lists the metrics. Daily counts and drill-downs are both built from these definitions,
so a number and the rows behind it cannot differ.
"""
