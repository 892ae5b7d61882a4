# shellcheck shell=bash
# Asks Prometheus whether the shop keeps its objectives. Part of deliveries; docs/objectives.md says what
# they are, k8s/monitoring/rules/objectives.yaml records what is asked for here.
# shellcheck disable=SC2034,SC2154 # variables are set in one file and used in another

prometheus="" monitoring=monitoring watch_for=10m burn=14.4 errors=5 need_requests=0
# So many looks in a row have to be bad, or without an answer.
few=2
look_seconds=${DEPLOY_POLL_SECONDS:-15}
# What was broken before the release, which is not its fault.
before=""

watch_option() {
  case $1 in
    --need-requests) need_requests=1 && return ;;
    --prometheus | --monitoring | --for | --burn | --errors) value "$@" ;;
    *) return 1 ;;
  esac
  used=2
  case $1 in
    --prometheus) prometheus=${2%/} ;;
    --monitoring) monitoring=$2 ;;
    --for) watch_for=$2 ;;
    --burn) burn=$2 ;;
    --errors) errors=$2 ;;
  esac
}

check_watch_options() {
  [[ $watch_for =~ ^[1-9][0-9]*[smh]$ ]] || fail "$watch_for is not a time." "Write it as 600s, 10m or 1h."
  [[ $burn =~ ^[0-9]+([.][0-9]+)?$ ]] || fail "$burn is no number." "A burn rate, as --burn 14.4."
  [[ $errors =~ ^[0-9]+$ ]] || fail "$errors is no number." "As --errors 5."
}

# ask_prometheus QUERY: the answer, one line of JSON; fails if there is none.
ask_prometheus() {
  local said
  if [[ -n $prometheus ]]; then
    said=$(curl --silent --show-error --max-time 20 --get --data-urlencode "query=$1" "$prometheus/api/v1/query") || return 1
  else
    said=$(kube get --raw "/api/v1/namespaces/$monitoring/services/prometheus-operated:9090/proxy/api/v1/query?query=$(encoded "$1")") || return 1
  fi
  [[ $said == *'"status":"success"'* ]] || return 1
  say "$said"
}

encoded() {
  local LC_ALL=C text=$1 out="" index char
  for ((index = 0; index < ${#text}; index++)); do
    char=${text:index:1}
    case $char in
      [a-zA-Z0-9.~_-]) out+=$char ;;
      *) printf -v char '%%%02X' "'$char" && out+=$char ;;
    esac
  done
  say "$out"
}

# What is broken at this moment, a line each: objectives whose budget burns too fast, by more than a stray
# error, and alerts that wake somebody. Fails if Prometheus does not answer.
broken_now() {
  local here="namespace=\"$namespace\"" said
  said=$(ask_prometheus "(shop:objective_errors:rate5m{$here} / shop:objective_requests:rate5m{$here} / on (objective, sli) group_left () shop:objective_budget:ratio > $burn) and (shop:objective_errors:rate5m{$here} * 300 >= $errors)") || return 1
  { grep -o '"objective":"[a-z]*","sli":"[a-z]*"' <<<"$said" || true; } | awk -F '"' '{ print $4 " (" $8 ")" }'
  said=$(ask_prometheus "ALERTS{alertstate=\"firing\",severity=\"critical\",$here}") || return 1
  { grep -o '"alertname":"[A-Za-z]*"' <<<"$said" || true; } | awk -F '"' '{ print "alert " $4 }' | sort -u
}

# Before anything is changed: somebody has to be able to see what comes of it.
look_before() {
  local said
  step "Asking Prometheus"
  said=$(ask_prometheus "shop:objective_budget:ratio") || fail "Prometheus does not answer." \
    "A release that nobody can see is not let through. Where it is: --prometheus URL, --monitoring NAMESPACE."
  [[ $said == *'"objective"'* ]] || fail "Prometheus does not know the shop's objectives." "Apply k8s/monitoring first."
  before=$(broken_now) || fail "Prometheus does not answer."
  if [[ -n $before ]]; then
    note "broken before the release, and not held against it: $(tr '\n' ',' <<<"$before")"
  else
    note "all is well"
  fi
}

watch_objectives() {
  local now_broken worse bad=0 blind=0 looks=0 deadline
  step "Watching the objectives for $watch_for"
  ((dry_run)) && note "burn rates below $burn, no critical alert; at most $errors errors within five minutes" && return
  deadline=$((SECONDS + $(seconds "$watch_for")))
  while :; do
    if ! now_broken=$(broken_now); then
      ((++blind < few * 2)) || fail "Prometheus does not answer any more." "A release that nobody can see is not let through."
    else
      blind=0 looks=$((looks + 1))
      worse=$(without "$before" "$now_broken")
      if [[ -z $worse ]]; then
        bad=0
      elif ((++bad >= few)); then
        fail "The objectives are broken: $(tr '\n' ',' <<<"$worse")" "Since the release, in $bad looks in a row. docs/runbooks has a page for each alert."
      fi
    fi
    ((SECONDS < deadline)) || break
    sleep "$look_seconds"
  done
  ((looks)) || fail "Prometheus has not answered once."
  note "$looks looks, nothing broken"
  tell_requests
}

# without LINES TEXT: the lines of the text that are none of those.
without() {
  local line
  while IFS= read -r line; do
    [[ -z $line || $'\n'$1$'\n' == *$'\n'$line$'\n'* ]] || say "$line"
  done <<<"$2"
}

# An objective that nobody asked anything of was neither kept nor broken.
tell_requests() {
  local said
  said=$(ask_prometheus "shop:objective_requests:rate5m{namespace=\"$namespace\",sli=\"availability\"} > 0") || said=""
  if [[ $said == *'"objective"'* ]]; then
    note "with requests: $(grep -o '"objective":"[a-z]*"' <<<"$said" | cut -d '"' -f 4 | sort -u | tr '\n' ' ')"
  else
    ((!need_requests)) || fail "Nobody asked the shop anything meanwhile, so nothing was seen." "Send shoppers: techcommerce traffic"
    note "but nobody asked the shop anything"
  fi
}
