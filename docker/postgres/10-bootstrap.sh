#!/bin/bash
# Runs once, when the data volume is empty: roles, extensions and schemas, from the file a DBA runs elsewhere. The file
# verifies its own work and fails where something is missing, and so does the start of the container.
# \getenv keeps the passwords out of the list of processes; psql quotes them.
set -euo pipefail

psql --no-psqlrc --quiet --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set ON_ERROR_STOP=1 --single-transaction --file - <<'SQL'
\getenv app_password APP_PASSWORD
\getenv migrator_password MIGRATOR_PASSWORD
SET bootstrap.app_password = :'app_password';
SET bootstrap.migrator_password = :'migrator_password';
\i /bootstrap/roles-and-extensions.sql
SQL

echo "bootstrap of database $POSTGRES_DB is complete"
