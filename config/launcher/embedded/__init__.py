"""Run PostgreSQL and Valkey on one machine, from installed packages."""
