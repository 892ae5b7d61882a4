#!/bin/sh
# Takes the place of the official image's entry point: the same variables, the same user number.
set -eu
PGDATA=/var/lib/postgresql/data
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" /var/run/postgresql
  chown 999:999 "$PGDATA" /var/run/postgresql
  chmod 700 "$PGDATA"
  exec setpriv --reuid=999 --regid=999 --clear-groups "$0" "$@"
fi
export PGDATA
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  # The arguments are words, as in the official image.
  # shellcheck disable=SC2086
  initdb --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" $POSTGRES_INITDB_ARGS
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
  pg_ctl -o "-c listen_addresses=''" -w start
  createdb -U postgres -h /var/run/postgresql "$POSTGRES_DB"
  pg_ctl -m fast -w stop
fi
exec "$@"
