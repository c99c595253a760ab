#!/bin/sh
# Run once, by the PostgreSQL image on an empty data folder, or by hand before the first migration (docs/operations.md). Create the owner role, which owns the tables, and the application
# role, which serves requests and is bound by row-level security. The backup role reads all rows. The same as
# config/launcher/embedded/roles.py.
set -eu
psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set=owner_password="$OWNER_PASSWORD" --set=application_password="$APPLICATION_PASSWORD" \
    --set=backup_password="$BACKUP_PASSWORD" <<'SQL'
CREATE ROLE underone_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
CREATE ROLE underone_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'application_password';
CREATE ROLE underone_backup LOGIN NOSUPERUSER BYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'backup_password';
GRANT pg_read_all_data TO underone_backup;
CREATE DATABASE underone OWNER underone_owner ENCODING 'UTF8' TEMPLATE template0;
\connect underone
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO underone_owner;
GRANT USAGE ON SCHEMA public TO underone_app;
GRANT CONNECT, TEMPORARY ON DATABASE underone TO underone_app;
ALTER DEFAULT PRIVILEGES FOR ROLE underone_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO underone_app;
ALTER DEFAULT PRIVILEGES FOR ROLE underone_owner GRANT USAGE, SELECT ON SEQUENCES TO underone_app;
SQL
