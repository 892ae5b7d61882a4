#!/bin/sh
# Takes the place of the official image's entry point: the same user number, its folder /data.
set -eu
chown 999:999 /data
cd /data
exec setpriv --reuid=999 --regid=999 --clear-groups "$@" --protected-mode no
