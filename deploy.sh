#!/usr/bin/env bash
# Brings the shop into a cluster and shows that it works. ./deploy.sh --help says how.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib.sh
source "$root/scripts/lib.sh"
# shellcheck source=scripts/deploy/cluster.sh
source "$root/scripts/deploy/cluster.sh"
# shellcheck source=scripts/deploy/rollout.sh
source "$root/scripts/deploy/rollout.sh"
# shellcheck source=scripts/deploy/explain.sh
source "$root/scripts/deploy/explain.sh"
# shellcheck source=scripts/deploy/trouble.sh
source "$root/scripts/deploy/trouble.sh"
# shellcheck source=scripts/deploy/smoke.sh
source "$root/scripts/deploy/smoke.sh"

usage() {
  cat <<'END'
Brings the shop into a cluster: builds the image and loads it where the cluster is on this machine,
applies an overlay, waits for migrations and every rollout, shops once through the frontend, and
says where the shop is. Run it again: what has not changed stays. If something fails, it prints the
events and logs that explain it and puts back what was there before.

Usage: ./deploy.sh [OPTIONS]

  -c, --cluster NAME   minikube (default; started if it does not run), kind (the cluster
                       dev-assessment, made if it is not there), or current (kubectl's context)
      --overlay NAME   of k8s/overlays or k8s/combinations: dev (default), staging, production, …
      --component NAME with this of k8s/components as well, as tracing; may be given several times
      --image REF      deploy this image, as name:tag or name@sha256:…, and build none
      --no-build       use the image that is there
      --cleanup        remove the shop with all its data first, then deploy
      --cleanup-only   remove the shop with all its data, and end
      --yes            do not ask before data of a cluster that is not kind's or minikube's is removed
      --no-smoke       do not shop through the frontend at the end
      --timeout TIME   how long one rollout may take, as 600s (default)
      --dry-run        show what would be done, and do nothing
  -h, --help           this text

Needs bash, kubectl and curl; docker (or podman) to build; kind or minikube for those.
END
}

cluster=minikube overlay=dev build=1 cleanup=no confirmed=0 smoke=1 timeout=600s wanted_image=""
components=()

read_arguments() {
  while (($#)); do
    case $1 in
      -c | --cluster) value "$@" && cluster=$2 && shift ;;
      --overlay) value "$@" && overlay=$2 && shift ;;
      --component) value "$@" && components+=("$2") && shift ;;
      --image) value "$@" && wanted_image=$2 build=0 && shift ;;
      --timeout) value "$@" && timeout=$2 && shift ;;
      --no-build) build=0 ;;
      --cleanup) cleanup=first ;;
      --cleanup-only) cleanup=only ;;
      --yes) confirmed=1 ;;
      --no-smoke) smoke=0 ;;
      --dry-run) dry_run=1 ;;
      -h | --help) usage && exit 0 ;;
      *) fail "There is no option $1." "./deploy.sh --help lists them." ;;
    esac
    shift
  done
  known_cluster "$cluster"
  [[ -z $wanted_image || $wanted_image == *@sha256:* || ${wanted_image##*/} == *:* ]] ||
    fail "$wanted_image has neither tag nor digest." "Write it as name:tag or name@sha256:…."
  [[ $timeout =~ ^[1-9][0-9]*[smh]$ ]] ||
    fail "$timeout is not a time." "Write it as 600s, 10m or 1h."
}

value() {
  (($# > 1)) && [[ -n $2 ]] || fail "$1 needs a value." "./deploy.sh --help says which."
}

main() {
  read_arguments "$@"
  ((smoke)) && need curl "It shops through the frontend at the end; --no-smoke goes without."
  make_workplace
  find_cluster
  find_overlay
  start_cluster
  if [[ $cleanup != no ]]; then
    remove_shop
    [[ $cleanup == only ]] && exit 0
  fi
  prepare_image
  render
  remember
  apply
  wait_for_jobs
  wait_for_rollouts
  ((smoke)) && smoke_test
  finish
}

main "$@"
