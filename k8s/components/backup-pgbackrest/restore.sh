#!/bin/bash
# The newest backup and the log up to its end, into an empty folder.
set -euo pipefail
pgbackrest --stanza=shop info --output=json >/work/info.json
mkdir -m 0700 /scratch/pgdata
pgbackrest --stanza=shop --pg1-path=/scratch/pgdata --archive-mode=off restore
