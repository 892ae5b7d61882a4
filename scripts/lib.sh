# shellcheck shell=bash
# What the scripts share: talking, asking for tools, doing things or only showing them.
# Sourced, never run.
# shellcheck disable=SC2034,SC2154 # variables are set in one file and used in another

# Set by the scripts: 1 shows what would change and changes nothing.
dry_run=${dry_run:-0}
# The shop's image, as manifests name it.
image_name=ghcr.io/techcommerce/techcommerce
# What is being done, for the message if it fails.
doing="starting"
started=$SECONDS

say() { printf '%s\n' "$*"; }
note() { printf '      %s\n' "$*"; }
complain() { printf '%s\n' "$*" >&2; }

# A step of the way, with the time since the start.
step() {
  doing=$1
  printf '\n[%3ds] %s\n' "$((SECONDS - started))" "$1"
}

# Ends the script: what went wrong, then how to mend it.
fail() {
  complain ""
  complain "error: $1"
  shift
  local line
  for line in "$@"; do complain "       $line"; done
  exit 1
}

# need PROGRAM MEND: the program is there, or the script ends.
need() {
  command -v "$1" >/dev/null 2>&1 || fail "$1 is not installed." "$2"
}

# Lines as they come, below what is being done.
indent() {
  local line
  while IFS= read -r line; do printf '      %s\n' "$line"; done
}

# Runs what changes something, or shows it.
change() {
  if ((dry_run)); then
    # As somebody would type it.
    [[ $1 != kube ]] || set -- kubectl --context "$context" "${@:2}"
    printf '      would run:'
    printf ' %q' "$@"
    printf '\n'
  else
    "$@"
  fi
}

# All of kubectl goes through here, so that no command can hit another cluster than the chosen one.
kube() { kubectl --context "$context" "$@"; }

# The same in the shop's namespace.
in_shop() { kube --namespace "$namespace" "$@"; }

# names_of KIND FILE: the names of the objects of a kind in a rendered file.
names_of() {
  awk -v kind="$1" '
    function done() { if (found && name != "") print name; found = 0; name = ""; inside = 0 }
    /^---/ { done(); next }
    /^kind: / { found = ($2 == kind) }
    /^[a-z]/ { inside = ($1 == "metadata:") }
    inside && /^  name: / { name = $2 }
    END { done() }
  ' "$2"
}

# part FILE only|except KIND…: the documents of a rendered file that are of these kinds, or of all others.
part() {
  local file=$1 keep=$2
  shift 2
  awk -v kinds=" $* " -v keep="$keep" '
    function done() {
      if (text != "" && (keep == "only") == (index(kinds, " " kind " ") > 0)) printf "%s%s", (some++ ? "---\n" : ""), text
      text = ""; kind = ""
    }
    /^---/ { done(); next }
    /^kind: / { kind = $2 }
    { text = text $0 "\n" }
    END { done() }
  ' "$file"
}

# The program that is being waited for, if one is.
waiting=""

# Runs a program that may take long so that a signal ends the wait at once: bash looks at signals
# only when what runs in front has ended. For programs, not for functions.
patiently() {
  local status=0
  "$@" &
  waiting=$!
  wait "$waiting" || status=$?
  waiting=""
  return "$status"
}

# known_cluster NAME: fails for a kind of cluster that there is not.
known_cluster() {
  case $1 in
    minikube | kind | current) ;;
    *) fail "There is no kind of cluster $1." "It is minikube, kind or current." ;;
  esac
}
