#!/usr/bin/env bash
# Says whether files of a release, or an image, are what the pipeline of TechCommerce built from a
# commit: scripts/verify.sh --help. It stands alone, because a release brings it along.
set -euo pipefail

# Who signs: the workflow that delivers, on main, and the one that releases, on a tag. Kyverno's policy
# (k8s/components/kyverno/signed-images.yaml) says the same, and a test compares them.
identity='^https://github\.com/techcommerce/techcommerce/\.github/workflows/(cd\.yaml@refs/heads/main|release\.yaml@refs/tags/v.+)$'
issuer='https://token.actions.githubusercontent.com'
repository='https://github.com/techcommerce/techcommerce'

cosign=${COSIGN:-cosign}
what="" subject="" version="" commit="" key="" dry_run=0

usage() {
  cat <<'END'
Verifies files of a release, or an image: that they are unchanged, that the pipeline of TechCommerce
signed them, and that it built them from the commit and the version that they claim.

Usage: verify.sh release FOLDER [OPTIONS]
       verify.sh image REPOSITORY@sha256:DIGEST [OPTIONS]

      --version VERSION  it has to be this release, as 1.2.3
      --commit SHA       it has to be built from this commit
      --key FILE         signed by this key, and not by the pipeline (a trial, a mirror of your own)
      --dry-run          say what would be verified
  -h, --help             this text

In FOLDER lie SHA256SUMS, SHA256SUMS.sigstore.json and, of every file that you want to use, the file, its
.sigstore.json and its .provenance.sigstore.json. Files that the release has and you did not fetch are
left out.

Ends with 0 if all is well, with 1 if anything is not, saying what; with 2 if it was called wrongly.
Needs cosign 2 (https://docs.sigstore.dev), jq, sha256sum; an image's registry has to be reachable.
END
}

refuse() {
  printf 'refused: %s\n' "$1" >&2
  shift
  (($# == 0)) || printf '         %s\n' "$@" >&2
  exit 1
}

misused() {
  printf 'error: %s\n       verify.sh --help says how it is called.\n' "$1" >&2
  exit 2
}

while (($#)); do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --dry-run) dry_run=1 ;;
    --version | --commit | --key | --image)
      (($# > 1)) && [[ -n $2 ]] || misused "$1 needs a value."
      case $1 in
        --version) version=$2 ;;
        --commit) commit=$2 ;;
        --key) key=$2 ;;
        --image) what=image subject=$2 ;;
      esac
      shift
      ;;
    -*) misused "There is no option $1." ;;
    release | image) [[ -z $what ]] || misused "One of release and image."
      what=$1 ;;
    *) [[ -z $subject ]] || misused "One thing at a time, not $subject and $1."
      subject=$1 ;;
  esac
  shift
done
[[ -n $what && -n $subject ]] || misused "Say what to verify."
[[ -z $commit || $commit =~ ^[0-9a-f]{40}$ ]] || misused "$commit is no commit: give all 40 digits."
version=${version#v}
if [[ -n $key ]]; then
  [[ -r $key ]] || misused "There is no key $key."
  key=$(cd "$(dirname "$key")" && pwd)/$(basename "$key")
  signer="the key $key"
  by=(--key "$key" --insecure-ignore-tlog=true)
else
  signer="the pipeline of $repository"
  by=(--certificate-identity-regexp "$identity" --certificate-oidc-issuer "$issuer")
fi
if [[ $what == image ]]; then
  [[ $subject =~ ^[^@[:space:]]+@sha256:[0-9a-f]{64}$ ]] ||
    misused "$subject names no digest: a tag may be another image tomorrow."
else
  [[ -d $subject ]] || misused "There is no folder $subject."
fi
if ((dry_run)); then
  printf 'would verify %s %s: signed by %s%s%s\n' "$what" "$subject" "$signer" \
    "${version:+, version $version}" "${commit:+, commit $commit}"
  exit 0
fi
for program in "$cosign" jq sha256sum; do
  command -v "$program" >/dev/null 2>&1 || misused "$program is not installed."
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A key needs none of those whom signatures without one are traced back to; cosign would fetch them.
files=("${by[@]}" --new-bundle-format)
if [[ -n $key ]]; then
  printf '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}\n' >"$work/root.json"
  files+=(--trusted-root "$work/root.json")
fi

# another_key BUNDLE: it says itself that it was made with another key, as far as that can be seen here.
another_key() {
  [[ -n $key ]] && command -v openssl >/dev/null 2>&1 || return 1
  local said own
  said=$(jq --raw-output '.verificationMaterial.publicKey.hint // ""' "$1" 2>/dev/null) || return 1
  own=$(openssl pkey -pubin -in "$key" -outform DER | openssl dgst -sha256 -binary | base64) || return 1
  [[ -n $said && $said != "$own" ]]
}

# why: the last line that cosign had to say.
why() { sed -n '/[^[:space:]]/p' "$work/said" | tail -n 1; }

# statement FILE: what a provenance says, out of the envelope whose signature was verified.
statement() { jq --raw-output '.dsseEnvelope.payload' "$1" | base64 --decode; }

# built WHAT SHA256 STATEMENT: what the provenance says is what is wanted. Sets built_from.
built_from=""
built() {
  local it=$1 digest=$2 file=$3 type builder source ref from
  type=$(jq --raw-output '.predicateType // ""' "$file") ||
    refuse "$it: its provenance cannot be read."
  [[ $type == https://slsa.dev/provenance/v1 ]] ||
    refuse "$it: its provenance is of another kind: ${type:-none}."
  jq --exit-status --arg digest "$digest" 'any(.subject[]; .digest.sha256 == $digest)' "$file" >/dev/null ||
    refuse "$it: its provenance is that of something else."
  builder=$(jq --raw-output '.predicate.runDetails.builder.id // ""' "$file")
  [[ $builder =~ $identity ]] ||
    refuse "$it: it was not built by the pipeline, but by ${builder:-nobody}."
  source=$(jq --raw-output '.predicate.buildDefinition.externalParameters.workflow.repository // ""' "$file")
  [[ $source == "$repository" ]] ||
    refuse "$it: it was built from ${source:-nowhere}, not from $repository."
  from=$(jq --raw-output --arg source "git+$repository@" '[.predicate.buildDefinition.resolvedDependencies[] |
    select(.uri | startswith($source)) | .digest.gitCommit][0] // ""' "$file")
  [[ $from =~ ^[0-9a-f]{40}$ ]] || refuse "$it: its provenance names no commit."
  [[ -z $commit || $from == "$commit" ]] ||
    refuse "$it: it was built from commit $from, not from $commit."
  ref=$(jq --raw-output '.predicate.buildDefinition.externalParameters.workflow.ref // ""' "$file")
  [[ -z $version || $ref == "refs/tags/v$version" ]] ||
    refuse "$it: it was built for $ref, not for refs/tags/v$version."
  [[ -z $built_from || $from == "$built_from" ]] ||
    refuse "$it: it was built from commit $from, and the rest from $built_from."
  built_from=$from
}

# One file of the list, in the folder where we are.
verify_file() {
  local file=$1 wanted=$2 found
  found=$(sha256sum -- "$file" | cut -d ' ' -f 1)
  [[ $found == "$wanted" ]] ||
    refuse "$file: it is not the file of this release: its checksum is $found." "SHA256SUMS says $wanted."
  [[ -r $file.sigstore.json ]] || refuse "$file: its signature $file.sigstore.json is not here."
  "$cosign" verify-blob "${files[@]}" --bundle "$file.sigstore.json" "$file" \
    >"$work/said" 2>&1 || refuse "$file: its signature is not one of $signer, or is damaged." "$(why)"
  [[ -r $file.provenance.sigstore.json ]] ||
    refuse "$file: its provenance $file.provenance.sigstore.json is not here."
  "$cosign" verify-blob-attestation "${files[@]}" --type slsaprovenance1 \
    --bundle "$file.provenance.sigstore.json" "$file" >"$work/said" 2>&1 ||
    refuse "$file: its provenance is not signed by $signer, is damaged, or belongs to another file." "$(why)"
  statement "$file.provenance.sigstore.json" >"$work/statement" 2>/dev/null ||
    refuse "$file: its provenance cannot be read."
  built "$file" "$wanted" "$work/statement"
  printf 'verified %s\n' "$file"
}

verify_release() {
  local listed=() wanted file names=() versions
  cd "$subject"
  [[ -r SHA256SUMS ]] || refuse "SHA256SUMS is not here, which says what belongs to the release."
  [[ -r SHA256SUMS.sigstore.json ]] || refuse "SHA256SUMS.sigstore.json is not here, the signature of SHA256SUMS."
  ! another_key SHA256SUMS.sigstore.json || refuse "SHA256SUMS: it is signed with another key than $key."
  "$cosign" verify-blob "${files[@]}" --bundle SHA256SUMS.sigstore.json SHA256SUMS \
    >"$work/said" 2>&1 || refuse "SHA256SUMS: it was changed, or is not signed by $signer." "$(why)"
  mapfile -t listed <SHA256SUMS
  versions=$(sed -n 's/^[0-9a-f]\{64\}  techcommerce-\([0-9][^-]*\(-[a-z]*\.[0-9.]*\)\{0,1\}\)-linux-.*\.tar\.gz$/\1/p' SHA256SUMS | sort -u)
  [[ -n $versions && $versions != *$'\n'* ]] || refuse "SHA256SUMS: it does not name the archives of one version."
  [[ -z $version || $version == "$versions" ]] ||
    refuse "SHA256SUMS: it is the list of version $versions, not of $version."
  version=$versions
  for line in "${listed[@]}"; do
    [[ $line =~ ^([0-9a-f]{64})\ \ ([A-Za-z0-9][A-Za-z0-9._-]*)$ ]] || refuse "SHA256SUMS: a line is none: $line"
    wanted=${BASH_REMATCH[1]} file=${BASH_REMATCH[2]}
    names+=("$file")
    # What was not fetched is not verified; that nothing at all was is noticed below.
    [[ -e $file ]] || continue
    verify_file "$file" "$wanted"
  done
  # Whatever else lies here would be taken for a part of it.
  for file in *; do
    case $file in SHA256SUMS | SHA256SUMS.sigstore.json) continue ;; esac
    [[ " ${names[*]} " == *" ${file%.sigstore.json} "* || " ${names[*]} " == *" ${file%.provenance.sigstore.json} "* ]] ||
      refuse "$file: it is not part of this release: SHA256SUMS does not name it."
  done
  [[ -n $built_from ]] || refuse "None of the release's files is here." "${names[*]}"
  printf 'TechCommerce %s, built from %s\n' "$version" "$built_from"
}

verify_image() {
  local digest=${subject##*@sha256:} line found=0
  "$cosign" verify "${by[@]}" "$subject" >"$work/signature" 2>"$work/said" ||
    refuse "$subject: it is not signed by $signer." "$(why)"
  jq --exit-status --arg digest "sha256:$digest" \
    'all(.[]; .critical.image."docker-manifest-digest" == $digest)' "$work/signature" >/dev/null ||
    refuse "$subject: its signature is that of another image."
  "$cosign" verify-attestation "${by[@]}" --type slsaprovenance1 "$subject" >"$work/attested" 2>"$work/said" ||
    refuse "$subject: it has no provenance that is signed by $signer." "$(why)"
  # The same commit built twice is the same image with two of them: the one of the wanted commit counts.
  while IFS= read -r line; do
    jq --raw-output '.payload' <<<"$line" | base64 --decode >"$work/statement" 2>/dev/null ||
      refuse "$subject: its provenance cannot be read."
    built_from=""
    if (built "$subject" "$digest" "$work/statement") 2>"$work/reason"; then
      built "$subject" "$digest" "$work/statement"
      found=1
      break
    fi
  done <"$work/attested"
  if ((!found)); then
    cat "$work/reason" >&2
    exit 1
  fi
  printf 'verified %s, built from %s\n' "$subject" "$built_from"
}

"verify_$what"
