#!/usr/bin/env bash
# Changes the code of a package in small ways and sees whether a test notices: scripts/mutation.sh --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/lib.sh
source "$root/scripts/lib.sh"

# renovate: datasource=crate depName=cargo-mutants
mutants_version=27.1.0

usage() {
  cat <<'END'
Changes the code of a package in small ways, one at a time, and sees whether one of its tests notices
(cargo-mutants). Takes hours for a large one. Mutants that live are listed, and are no failure: each is a
question that a test could answer.

Usage: scripts/mutation.sh --package NAME --output FOLDER

      --package NAME    of the workspace, as techcommerce-kernel
      --output FOLDER   where the lists go: mutants.out/missed.txt and others
      --shard K/N       only this part of all mutants, as 0/8
      --dry-run         list the mutants, and try none
  -h, --help            this text

Ends with 0 unless the tests fail even without a mutant. Installs cargo-mutants if it is not there.
END
}

package="" output="" shard=""

value() {
  (($# > 1)) && [[ -n $2 ]] || fail "$1 needs a value." "scripts/mutation.sh --help says which."
}

while (($#)); do
  case $1 in
    --package) value "$@" && package=$2 && shift ;;
    --output) value "$@" && output=$2 && shift ;;
    --shard) value "$@" && shard=$2 && shift ;;
    --dry-run) dry_run=1 ;;
    -h | --help) usage && exit 0 ;;
    *) fail "There is no option $1." "scripts/mutation.sh --help lists them." ;;
  esac
  shift
done
[[ -n $package && -n $output ]] || fail "--package and --output are needed." "scripts/mutation.sh --help"
[[ -z $shard || $shard =~ ^[0-9]+/[1-9][0-9]*$ ]] || fail "$shard is no part." "As --shard 0/8."
need cargo "See https://rustup.rs."
cd "$root"
if ! cargo mutants --version >/dev/null 2>&1; then
  change cargo install --locked cargo-mutants --version "$mutants_version" || fail "cargo-mutants cannot be installed."
fi
arguments=(--package "$package" --output "$output")
[[ -z $shard ]] || arguments+=(--shard "$shard")
if ((dry_run)); then
  change cargo mutants "${arguments[@]}"
  exit 0
fi
status=0
cargo mutants "${arguments[@]}" --timeout 300 --colors never || status=$?
# 2: some live. 3: some took too long, which somebody noticed.
case $status in
  0 | 2 | 3) ;;
  *) fail "cargo-mutants ended with $status." "Its words are above; 4 says that the tests fail without a mutant." ;;
esac
step "Mutants that live"
[[ ! -s $output/mutants.out/missed.txt ]] || indent <"$output/mutants.out/missed.txt"
note "$(wc -l <"$output/mutants.out/missed.txt" 2>/dev/null || echo 0) of them"
