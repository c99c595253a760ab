"""PostgreSQL and Valkey of the product's own, for one machine."""
