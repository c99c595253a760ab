"""HTTP conventions of the API that know no tenant."""
