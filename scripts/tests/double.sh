#!/usr/bin/env bash
# Stands in for kubectl, kind, minikube, docker, podman, helm, kubeseal and curl in the tests of the scripts
# (xtask/src/deploy_tests.rs), which link it under those names. It notes each call in $DOUBLE/calls,
# fails the one whose number is in $DOUBLE_FAIL_AT (where cluster.sh stands in for kubectl, that one fails
# alone), and answers as a cluster with a shop would; what a test wants otherwise stands in $DOUBLE/answers
# as lines of PATTERN|STATUS|TEXT.
call="${0##*/} $*"
echo "$call" >>"$DOUBLE/calls"
if [[ ! -d $DOUBLE/cluster && $(wc -l <"$DOUBLE/calls") == "${DOUBLE_FAIL_AT:-none}" ]]; then
  echo "double: refused" >&2
  exit 1
fi

while IFS='|' read -r pattern status text; do
  # shellcheck disable=SC2053 # it is a pattern
  if [[ $call == $pattern ]]; then
    [[ -z $text ]] || printf '%b\n' "$text"
    exit "$status"
  fi
done <"$DOUBLE/answers"

# Whether the cluster was changed by chaos.sh: alerts fire and shops break from then on.
is_changed() {
  grep -qE ' (delete|scale|patch|run|set image|cordon|drain) ' "$DOUBLE/calls"
}

# The value after an option.
option() {
  local name=$1
  shift
  while (($#)); do
    [[ $1 == "$name" ]] && echo "$2" && return
    shift
  done
}

# The shop's answers; a test's own stand in $DOUBLE/shop as lines of PATTERN|STATUS|BODY, and in
# $DOUBLE/broken those that it gives once the cluster was changed.
shop() {
  local request pattern status body file=$DOUBLE/shop
  [[ -e $DOUBLE/broken ]] && is_changed && file=$DOUBLE/broken
  request="$(option --request "$@") ${*: -1}"
  while IFS='|' read -r pattern status body; do
    # shellcheck disable=SC2053 # it is a pattern
    if [[ $request == $pattern ]]; then
      echo "$body" >"$(option --output "$@")"
      printf '%s' "$status"
      return
    fi
  done <"$file"
  case $request in
    "GET "*/) echo '<!doctype html><html><body>Shop</body></html>' ;;
    *"/api/products"*) echo '{"items":[{"id":"p","variants":[{"id":"v1","sku":"S"}]}],"next_cursor":null}' ;;
    "POST "*/api/carts) echo '{"id":"c1","lines":[]}' ;;
    "PUT "*) echo '{"id":"c1","lines":[{}]}' ;;
    "POST "*/api/orders) echo '{"id":"o1","number":"1001","payment_status":"pending","access_token":"t"}' ;;
    "GET "*/api/orders/*) echo '{"id":"o1","number":"1001","payment_status":"paid"}' ;;
  esac >"$(option --output "$@")"
  printf 200
}

case $call in
  curl\ *) shop "$@" ;;
  "kubectl config current-context"*) echo elsewhere ;;
  "kubectl kustomize "*)
    cp "$2/kustomization.yaml" "$DOUBLE/kustomization.yaml"
    cat "$DOUBLE/rendered.yaml"
    ;;
  *" get --filename "*go-template=*) cat "$DOUBLE/before.yaml" ;;
  *" get --filename "*"--output name"*) echo deployment.apps/frontend ;;
  *" get job "*) echo "migrate SuccessCriteriaMet Complete" ;;
  *" get pods --selector "*) echo "frontend-1 Running False" ;;
  *" logs "*) echo "a line of its log" ;;
  *" get --raw "*ALERTS*) ! is_changed || echo '{"data":{"result":[{"value":[1,"1"]}]}}' ;;
  *" port-forward "*)
    echo "Forwarding from 127.0.0.1:45678 -> 3000"
    exec sleep 60
    ;;
  "minikube ip"*) echo 192.168.49.2 ;;
  "kind get clusters"*) echo dev-assessment ;;
  *" image inspect --format "*) echo sha256:0123456789abcdef0123 ;;
esac
exit 0
