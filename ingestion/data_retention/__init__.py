"""End the data of accounts: what came from Amazon's API after SP_API_RETENTION_MONTHS, what was uploaded or posted
after the months that its agency chose.

`edges` says from which day on data is stored, `tables` which rows of each table end, `sweep` deletes them and
`proof` counts what should have ended.
"""
