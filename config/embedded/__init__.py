"""PostgreSQL and Valkey on one machine: real servers from wheels, started and stopped by us, never as the superuser."""
