#!/bin/sh
# Where the stand-in of PostgreSQL's image begins: a cluster on the first start, as POSTGRES_USER, POSTGRES_PASSWORD and
# POSTGRES_DB say, then the server, as the user `postgres`.
set -eu
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"; }
install -d -o postgres -g postgres -m 700 "$PGDATA"
install -d -o postgres -g postgres /run/postgresql
if [ ! -e "$PGDATA/PG_VERSION" ]; then
  : "${POSTGRES_PASSWORD:?is not set}"
  word=$(mktemp)
  chown postgres "$word"
  printf '%s\n' "$POSTGRES_PASSWORD" >"$word"
  as_postgres initdb --username="$POSTGRES_USER" --pwfile="$word" --auth-local=trust --auth-host=scram-sha-256 >/dev/null
  rm "$word"
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  # On its socket alone until the database is there.
  as_postgres pg_ctl --wait --silent --options="--listen_addresses=''" start >/dev/null
  as_postgres createdb --username="$POSTGRES_USER" --maintenance-db=postgres "$POSTGRES_DB"
  as_postgres pg_ctl --wait --silent stop >/dev/null
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$@" -c listen_addresses='*'
