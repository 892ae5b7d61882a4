#!/usr/bin/env bash
# Goes back to an earlier release: scripts/rollback.sh --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/lib.sh
source "$root/scripts/lib.sh"
# shellcheck source=scripts/deploy/rollout.sh
source "$root/scripts/deploy/rollout.sh"
# shellcheck source=scripts/deploy/smoke.sh
source "$root/scripts/deploy/smoke.sh"
# shellcheck source=scripts/deploy/explain.sh
source "$root/scripts/deploy/explain.sh"
# shellcheck source=scripts/delivery/options.sh
source "$root/scripts/delivery/options.sh"
# shellcheck source=scripts/delivery/record.sh
source "$root/scripts/delivery/record.sh"
# shellcheck source=scripts/delivery/transaction.sh
source "$root/scripts/delivery/transaction.sh"

usage() {
  cat <<'END'
Goes back to an earlier release: applies its manifests as they were recorded (without Jobs: migrations are
not undone, and need not be), waits for every rollout and shops once. If that fails, the release that ran is
put back: the last line says which one the shop runs.

Usage: scripts/rollback.sh [OPTIONS]

      --context NAME     kubectl's context; the current one if none is named
      --namespace NAME   where the shop is: techcommerce (default)
      --to WHICH         a number, a commit (seven characters or more), sha256:…, or previous (default)
      --list             the releases that one can go back to; changes nothing
      --unfinished       only put back the old release if a run was cut off in the middle
      --no-verify        do not ask for the image's signature
      --key FILE         the image is signed by this key, not by the pipeline
      --timeout TIME     how long one rollout may take, as 600s (default)
      --no-smoke         do not shop
      --take-over        although another run holds the lock: it is dead
      --dry-run          show what would be done, and do nothing
  -h, --help             this text

Ends with 0 when it is done, else with 1. Needs bash, kubectl, curl, gzip; cosign and jq to verify.
END
}

command=scripts/rollback.sh takes=" --context --namespace --timeout --take-over "
to=previous what=go verify=1 key="" smoke=1

own_option() {
  case $1 in
    --list) what=list && return ;;
    --unfinished) what=unfinished && return ;;
    --no-verify) verify=0 && return ;;
    --no-smoke) smoke=0 && return ;;
    --to) value "$@" && to=$2 ;;
    --key) value "$@" && key=$2 ;;
    *) return 1 ;;
  esac
  used=2
}

list() {
  local number when revision image mark
  list_records >"$work/list" || fail "The cluster cannot be asked for the releases of $namespace."
  while read -r number when revision image; do
    mark=" "
    [[ $number != "$current" ]] || mark="*"
    say "$mark $number  $when  ${revision:0:12}  $image"
  done <"$work/list"
  [[ -z $under_way ]] || say "under way: release $under_way, by $holder"
  say "history: ${history:-none}"
}

# The manifests of the release to go back to, without what is never undone.
find_target() {
  read_record "$new" "$work/record-of-target.yaml" || fail "The record of release $new cannot be read."
  rendered=$work/rendered.yaml
  part "$work/record-of-target.yaml" except Job Secret >"$rendered"
  note "to: $(about "$new")"
}

verify_target() {
  local reference
  reference=$(image_in "$rendered")
  step "Verifying $reference"
  ((verify)) || { note "not asked for" && return; }
  change "$root/scripts/verify.sh" image "$reference" ${key:+--key "$key"} ||
    fail "The image is not what the pipeline built and signed." "Where the signature cannot be looked up in a hurry: --no-verify"
}

# What a run that was cut off has left: its lock, and perhaps half a release.
finish_unfinished() {
  if [[ -z $under_way ]]; then
    say "Nothing is unfinished. The shop runs $(about "${current:-none}")."
    return
  fi
  check_lock
  [[ -n $current ]] || fail "Release $under_way was the first: there is none to go back to." "Bring it again: scripts/release.sh --take-over"
  note "release $under_way was left unfinished by $holder"
  new=$current
  find_target
  begin
  roll
  commit
}

main() {
  read_arguments "$@"
  delivers=1 going_back=1
  ((!smoke)) || [[ $what != go ]] || need curl "It shops through the frontend; --no-smoke goes without."
  make_workplace
  find_context
  namespace=${namespace:-techcommerce}
  read_releases || fail "The cluster cannot be asked for the releases of $namespace."
  # What is under way is not finished: before it comes the release that still counts.
  [[ $what != go || $to != previous || -z $under_way ]] || what=unfinished
  [[ $what != list ]] || delivers=0
  case $what in
    list) list ;;
    unfinished) finish_unfinished ;;
    go)
      new=$(find_release "$to")
      [[ $new != "$current" || -n $under_way ]] || { say "The shop runs $(about "$new") already." && return; }
      find_target
      verify_target
      begin
      roll
      ((!smoke)) || smoke_test
      commit
      ;;
  esac
}

main "$@"
