#!/usr/bin/env bash
# Stands in for kubectl in the tests of deliveries (xtask/src/deploy_tests/delivery.rs), with a cluster that
# remembers, in $DOUBLE/cluster: which image each Deployment has, ConfigMaps with their versions, Jobs. It
# notes each call in $DOUBLE/calls. The one whose number is in $DOUBLE_FAIL_AT goes wrong as $DOUBLE_FAIL_HOW
# says; an apply that goes wrong is obeyed by half, as it may be in a cluster:
#   once    refused
#   always  refused, and so is the same call whenever it comes again
#   after   obeyed, but what was answered got lost
#   gone    from then on nobody answers
#   term    obeyed, and meanwhile the script is told to end
#   kill    obeyed, and meanwhile the script is killed
# What a test wants otherwise stands in $DOUBLE/answers as lines of PATTERN|STATUS|TEXT.
state=$DOUBLE/cluster
call="kubectl $*"
echo "$call" >>"$DOUBLE/calls"
mapfile -t calls <"$DOUBLE/calls"
number=0
for one in "${calls[@]}"; do
  [[ $one != kubectl* ]] || number=$((number + 1))
  [[ $number != "${DOUBLE_FAIL_AT:-none}" || $one != kubectl* ]] || chosen=$one
done

wrong=""
if [[ $number == "${DOUBLE_FAIL_AT:-none}" ]]; then
  wrong=$DOUBLE_FAIL_HOW
elif [[ -n ${chosen:-} && ${DOUBLE_FAIL_HOW:-} == gone ]]; then
  wrong=gone
elif [[ -n ${chosen:-} && ${DOUBLE_FAIL_HOW:-} == always && $call == "$chosen" ]]; then
  wrong=always
fi

refuse() { echo "double: $1" >&2 && exit 1; }

case $wrong in
  gone) refuse "no route to host" ;;
  once | always) [[ $call == *" apply "* ]] || refuse refused ;;
esac

while IFS='|' read -r pattern status text; do
  # shellcheck disable=SC2053 # it is a pattern
  if [[ $call == $pattern ]]; then
    [[ -z $text ]] || printf '%b\n' "$text"
    exit "$status"
  fi
done <"$DOUBLE/answers"

# Of a file: what an object is called, and the image of a Deployment; `most` Deployments at most.
apply() {
  local file=$1 most=$2 line kind="" name="" image="" inside=0 done=0
  put() {
    [[ $kind != Deployment ]] || done=$((done + 1))
    ((done <= most)) || refuse "the rest is refused"
    [[ -z $name ]] || echo "$image" >"$state/$kind.$name"
    kind="" name="" image=""
  }
  while IFS= read -r line; do
    case $line in
      ---*) put ;;
      "kind: "*) kind=${line#kind: } ;;
      metadata:*) inside=1 ;;
      [a-z]*) inside=0 ;;
      "  name: "*) ((!inside)) || name=${line#  name: } ;;
      *" image: "*) [[ -n $image ]] || image=${line##*image: } ;;
    esac
  done <"$file"
  put
}

# A ConfigMap of the deliveries' own, from its file.
keep() {
  local verb=$1 file=$2 line name="" number="" time="" revision="" image="" archive="" version="" had=""
  local -a said=()
  while IFS= read -r line; do
    case $line in
      "  name: "*) name=${line#  name: } ;;
      "  resourceVersion: "*) version=${line//[^0-9]/} ;;
      "    techcommerce.io/release: "*) number=${line//[^0-9]/} ;;
      "  manifests.yaml.gz: "*) archive=${line#*: } ;;
      "  namespace: "* | "  labels:"* | "    "* | [a-z]*) ;;
      *)
        line=${line#  } line=${line//\"/}
        said+=("${line/: / }")
        case $line in
          image:*) image=${line#*: } ;;
          revision:*) revision=${line#*: } ;;
          time:*) time=${line#*: } ;;
        esac
        ;;
    esac
  done <"$file"
  [[ ! -e $state/ConfigMap.$name ]] || read -r had <"$state/ConfigMap.$name"
  if [[ $verb == create ]]; then
    [[ -z $had ]] || refuse "AlreadyExists"
  else
    [[ -n $had && $had == "$version" ]] || refuse "Conflict: $had, not $version"
  fi
  printf '%s\n' "$((had + 1))" ${said[@]+"${said[@]}"} >"$state/ConfigMap.$name"
  if [[ -n $number ]]; then
    echo "$number $time $revision $image" >"$state/record.$number"
    echo "$archive" >"$state/archive.$number"
  fi
  [[ $call != *jsonpath* ]] || printf '%s' "$((had + 1))"
}

show() { [[ ! -e $1 ]] || printf '%s\n' "$(<"$1")"; }

obey() {
  local file name one words=()
  while (($#)); do
    case $1 in
      --context | --namespace) shift ;;
      --filename) file=$2 && shift ;;
      *) words+=("$1") ;;
    esac
    shift
  done
  name=${words[2]:-}
  case "${words[*]}" in
    "config current-context"*) echo elsewhere ;;
    "kustomize "*before) cat "$DOUBLE/before-as-yaml" ;;
    "kustomize "*)
      cp "${words[1]}/kustomization.yaml" "$DOUBLE/kustomization.yaml"
      cat "$DOUBLE/rendered.yaml"
      ;;
    apply*) apply "$file" "$most" ;;
    "create job "*) echo complete >"$state/Job.$name" ;;
    create* | replace*) keep "${words[0]}" "$file" ;;
    "delete "*) rm -f "$state/${words[1]^}.$name" "$state/record.${name#release-}" "$state/${words[1]}.$name" ;;
    "get namespace "*) [[ ! -e $state/Namespace.$name ]] || echo "namespace/$name" ;;
    "get configmap releases "*) show "$state/ConfigMap.releases" ;;
    "get configmap "*binaryData*) [[ -e $state/ConfigMap.$name ]] && printf '%s' "$(<"$state/archive.${name#release-}")" ;;
    "get configmap "*) [[ ! -e $state/ConfigMap.$name ]] || echo "configmap/$name" ;;
    "get configmaps "*) for one in "$state"/record.*; do show "$one"; done ;;
    "get deployments "*)
      for one in "$state"/Deployment.*; do [[ ! -e $one ]] || echo "${one##*/Deployment.} $(<"$one")"; done
      ;;
    "get job "*) [[ ! -e $state/Job.$name ]] || echo "$name Complete" ;;
    "get cronjob "*) [[ -e $state/CronJob.$name ]] && echo "cronjob.batch/$name" ;;
    # A new release of the worker that never comes up, if the test says so.
    "rollout status deployment/worker"*)
      if [[ -e $DOUBLE/stuck && $(<"$state/Deployment.worker") == *$(<"$DOUBLE/stuck") ]]; then refuse "exceeded its progress deadline"; fi
      ;;
    "get rollout "*) echo "Healthy 7 abc abc" ;;
    "get deployment "*generation*) printf 7 ;;
    "get --raw"*) prometheus ;;
    "get "*go-template*) show "$DOUBLE/before.yaml" ;;
    *port-forward*)
      echo "Forwarding from 127.0.0.1:45678 -> 3000"
      exec sleep 60
      ;;
  esac
}

# Rules are there, nothing is broken; unless the test says that something is, always or with this image.
prometheus() {
  local broken="" with=""
  [[ ! -e $DOUBLE/broken-with ]] || with=$(<"$DOUBLE/broken-with")
  [[ ! -e $DOUBLE/broken || $(<"$state/Deployment.api") != *$with* ]] || broken=$(<"$DOUBLE/broken")
  [[ $call != *objective_budget%3Aratio ]] || broken='{"metric":{"objective":"browsing","sli":"latency"},"value":[1,"0.01"]}'
  [[ $call == *ALERTS* && $broken != *alertname* ]] && broken=""
  [[ $call != *ALERTS* && $broken == *alertname* ]] && broken=""
  printf '{"status":"success","data":{"resultType":"vector","result":[%s]}}' "$broken"
}

# How many Deployments an apply comes to.
most=1000
case $wrong in once | always) most=3 ;; esac
obey "$@"
status=$?

case $wrong in
  once | always | after) refuse "no answer" ;;
  term) kill -TERM "$(<"$DOUBLE/pid")" ;;
  kill) kill -KILL "$(<"$DOUBLE/pid")" ;;
esac
exit "$status"
