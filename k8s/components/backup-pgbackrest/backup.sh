#!/bin/bash
# A backup: full on Sundays and where there is none yet, else what changed since the full one.
set -euo pipefail
PGPASSWORD=$(cat /etc/techcommerce/postgres-admin/password)
export PGPASSWORD
kind='diff'
if [ "$(date -u +%u)" = 7 ]; then
  kind='full'
fi
# Both do nothing where all is well; `check` waits until a segment of the log came into the repository.
pgbackrest --stanza=shop stanza-create
pgbackrest --stanza=shop check
pgbackrest --stanza=shop --type="$kind" backup
pgbackrest --stanza=shop info --output=json >/work/info.json
