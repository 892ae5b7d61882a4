#!/usr/bin/env bash
# Applies the rules of the repository at GitHub: scripts/protect.sh --help.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/lib.sh
source "$root/scripts/lib.sh"

usage() {
  cat <<'END'
Brings the repository at GitHub to what .github says: the rulesets of branches and tags
(.github/rulesets/*.json), what workflows may do, and the environments with their approvals. Run it again:
what is there is replaced, what others made stays.

Usage: scripts/protect.sh --repository OWNER/NAME --reviewers TEAM [OPTIONS]

      --repository NAME   as techcommerce/techcommerce
      --reviewers TEAM    who approves production and release, a team of the owner: platform
      --check             change nothing; end with 1 if a ruleset is missing or another one
      --dry-run           show what would be changed
  -h, --help              this text

Needs gh, signed in as an administrator of the repository (gh auth login), and jq.
END
}

repository="" reviewers="" check=0

value() {
  (($# > 1)) && [[ -n $2 ]] || fail "$1 needs a value." "scripts/protect.sh --help says which."
}

read_arguments() {
  while (($#)); do
    case $1 in
      --repository) value "$@" && repository=$2 && shift ;;
      --reviewers) value "$@" && reviewers=$2 && shift ;;
      --check) check=1 ;;
      --dry-run) dry_run=1 ;;
      -h | --help) usage && exit 0 ;;
      *) fail "There is no option $1." "scripts/protect.sh --help lists them." ;;
    esac
    shift
  done
  [[ $repository =~ ^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$ ]] || fail "--repository is needed, as OWNER/NAME." "scripts/protect.sh --help"
  ((check)) || [[ -n $reviewers ]] || fail "--reviewers is needed." "scripts/protect.sh --help"
}

# Of a ruleset what we say, without what GitHub adds; in an order that compares.
essence() { jq -S '{name, target, enforcement, conditions, bypass_actors, rules: (.rules | sort_by(.type))}'; }

ruleset_id() { jq -r --arg name "$1" '.[] | select(.name == $name) | .id' <<<"$present"; }

apply_rulesets() {
  local file name id differs=0
  present=$(gh api "repos/$repository/rulesets") || fail "GitHub does not tell the rulesets of $repository." "gh auth status"
  for file in "$root"/.github/rulesets/*.json; do
    name=$(jq -r .name "$file")
    id=$(ruleset_id "$name")
    step "Ruleset $name"
    if [[ -n $id ]] && [[ $(gh api "repos/$repository/rulesets/$id" | essence) == "$(essence <"$file")" ]]; then
      note "is as it should be"
    elif ((check)); then
      if [[ -n $id ]]; then note "is another one"; else note "is missing"; fi
      differs=1
    elif [[ -n $id ]]; then
      change gh api --method PUT "repos/$repository/rulesets/$id" --input "$file" --silent || fail "The ruleset $name cannot be changed."
    else
      change gh api --method POST "repos/$repository/rulesets" --input "$file" --silent || fail "The ruleset $name cannot be made."
    fi
  done
  ((!differs)) || fail "The rules at GitHub are not those of .github/rulesets." "scripts/protect.sh without --check mends it."
}

# A token of a workflow reads, unless a job asks for more; a workflow approves no pull request.
limit_workflows() {
  step "What workflows may do"
  change gh api --method PUT "repos/$repository/actions/permissions/workflow" --silent \
    -f default_workflow_permissions=read -F can_approve_pull_request_reviews=false || fail "It cannot be set."
  change gh api --method PUT "repos/$repository/actions/permissions" --silent \
    -F enabled=true -f allowed_actions=all -F sha_pinning_required=true || fail "Pinned actions cannot be demanded."
}

# environment NAME approval|none BRANCH|tag PATTERN: what may deploy there, and who has to agree.
environment() {
  local name=$1 approval=$2 kind=$3 pattern=$4 team=null
  step "Environment $name"
  if [[ $approval == approval ]]; then
    team=$(gh api "orgs/${repository%/*}/teams/$reviewers" --jq .id) || fail "There is no team $reviewers."
  fi
  jq -n --argjson team "$team" '{
    prevent_self_review: ($team != null),
    reviewers: (if $team then [{type: "Team", id: $team}] else [] end),
    deployment_branch_policy: {protected_branches: false, custom_branch_policies: true}
  }' >"$work/environment.json"
  change gh api --method PUT "repos/$repository/environments/$name" --input "$work/environment.json" --silent ||
    fail "The environment $name cannot be set."
  if ! gh api "repos/$repository/environments/$name/deployment-branch-policies" --jq '.branch_policies[].name' 2>/dev/null | grep -qxF "$pattern"; then
    change gh api --method POST "repos/$repository/environments/$name/deployment-branch-policies" --silent \
      -f name="$pattern" -f type="$kind" || fail "What may deploy to $name cannot be set."
  fi
}

main() {
  read_arguments "$@"
  need gh "See https://cli.github.com."
  need jq "See https://jqlang.org."
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  apply_rulesets
  ((check)) && return
  limit_workflows
  environment images none branch main
  environment images none tag 'v*'
  environment staging none branch main
  environment production approval branch main
  environment release approval tag 'v*'
}

main "$@"
