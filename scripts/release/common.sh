# shellcheck shell=bash
# What the scripts of a release share. Sourced, never run; after scripts/lib.sh.
# shellcheck disable=SC2034,SC2154 # variables are set in one file and used in another

repository=https://github.com/techcommerce/techcommerce

value() {
  (($# > 1)) && [[ -n $2 ]] || fail "$1 needs a value." "--help says which."
}

# The version that the sources give themselves.
workspace_version() {
  awk -F '"' '/^\[/ { inside = ($0 == "[workspace.package]") } inside && /^version = / { print $2; exit }' \
    "$root/Cargo.toml"
}

# version_of TAG: v1.2.3 → 1.2.3, and it is what the sources say.
version_of() {
  [[ $1 =~ ^v([0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?)$ ]] ||
    fail "$1 is no tag of a release." "It is v and the version, as v1.2.3."
  local version=${BASH_REMATCH[1]} sources
  sources=$(workspace_version)
  [[ $version == "$sources" ]] ||
    fail "The tag is $1, but Cargo.toml says $sources." \
      "Set version in [workspace.package], commit it, and put the tag on that commit."
  printf '%s\n' "$version"
}

commit_of_sources() { git -C "$root" rev-parse --verify HEAD; }

# cosign, where tests and machines without it have put it.
cosign=${COSIGN:-cosign}

need_cosign() {
  command -v "$cosign" >/dev/null 2>&1 ||
    fail "cosign is not installed." "See https://docs.sigstore.dev/cosign/system_config/installation/."
}

# Reads --key: signs with it and tells no public log, instead of without a key by who the workflow is.
key="" signing=()
sign_with() {
  if [[ -z $key ]]; then
    [[ -n ${ACTIONS_ID_TOKEN_REQUEST_URL:-} || -n ${SIGSTORE_ID_TOKEN:-} ]] || ((dry_run)) ||
      fail "Nobody vouches for who signs." \
        "In a workflow the job needs 'permissions: id-token: write'; by hand, give --key FILE."
    return
  fi
  [[ -r $key ]] || fail "There is no key $key." "cosign generate-key-pair makes one."
  signing=(--key "$key" --tlog-upload=false)
}

# wanted NAME…: variables that say where and from what something was built.
wanted() {
  local name
  for name in "$@"; do
    [[ -n ${!name:-} ]] ||
      fail "$name is not set, so there is no saying where this was built." "GitHub sets it in every job."
  done
}

# What is said of how something was built: the predicate of SLSA provenance 1.0, by the build type that
# GitHub's workflows have in common. Everything in it comes from the runner, not from arguments.
predicate() {
  wanted GITHUB_REPOSITORY GITHUB_REPOSITORY_ID GITHUB_REPOSITORY_OWNER_ID GITHUB_REF GITHUB_SHA \
    GITHUB_WORKFLOW_REF GITHUB_EVENT_NAME GITHUB_RUN_ID GITHUB_RUN_ATTEMPT GITHUB_SERVER_URL
  [[ $GITHUB_SHA == "$(commit_of_sources)" ]] ||
    fail "The workflow builds $GITHUB_SHA, but $(commit_of_sources) is checked out."
  local path=${GITHUB_WORKFLOW_REF#"$GITHUB_REPOSITORY/"} image
  image=$(sed -n 's/^ARG RUST_IMAGE=//p' "$root/Dockerfile")
  jq --null-input --compact-output \
    --arg repository "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY" \
    --arg ref "$GITHUB_REF" --arg sha "$GITHUB_SHA" --arg path "${path%@*}" \
    --arg workflow "$GITHUB_SERVER_URL/$GITHUB_WORKFLOW_REF" \
    --arg event "$GITHUB_EVENT_NAME" --arg id "$GITHUB_REPOSITORY_ID" --arg owner "$GITHUB_REPOSITORY_OWNER_ID" \
    --arg run "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID/attempts/$GITHUB_RUN_ATTEMPT" \
    --arg lock "$(sha256sum "$root/Cargo.lock" | cut -d ' ' -f 1)" \
    --arg image "${image%@*}" --arg digest "${image##*@sha256:}" '{
      buildDefinition: {
        buildType: "https://actions.github.io/buildtypes/workflow/v1",
        externalParameters: {workflow: {ref: $ref, repository: $repository, path: $path}},
        internalParameters: {github: {event_name: $event, repository_id: $id, repository_owner_id: $owner}},
        resolvedDependencies: [
          {uri: "git+\($repository)@\($ref)", digest: {gitCommit: $sha}},
          {uri: "docker://\($image)", digest: {sha256: $digest}},
          {uri: "file:Cargo.lock", digest: {sha256: $lock}}
        ]
      },
      runDetails: {builder: {id: $workflow}, metadata: {invocationId: $run}}
    }'
}
