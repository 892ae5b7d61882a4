#!/bin/sh
# Makes the bucket for pictures, if it is not there. The shell of SeaweedFS ends with 0 even when
# a command failed, so what counts is whether the list shows the bucket.
set -eu
for _ in $(seq 60); do
  echo 's3.bucket.create -name pictures' | weed shell -master=s3:9333 >/dev/null 2>&1 || true
  if echo 's3.bucket.list' | weed shell -master=s3:9333 2>/dev/null | grep -q pictures; then
    echo 'the bucket pictures is there'
    exit 0
  fi
  sleep 1
done
echo 'the bucket pictures could not be made; see the log of s3' >&2
exit 1
