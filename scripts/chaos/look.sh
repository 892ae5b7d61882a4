# shellcheck shell=bash
# Looks whether the shop holds, and whether an alert fires. Part of chaos.sh.
# shellcheck disable=SC2154 # variables are set in one file and used in another

# So many looks in a row may fail: a connection through a pod that ends is not the shop's.
few=3
forwarder="" shop=""

stop_looking() {
  [[ -n $forwarder ]] && kill "$forwarder" 2>/dev/null || true
  forwarder="" shop=""
}

# A way to the frontend; again when the pod that it led to is gone.
reach() {
  local log=$work/forward.log tries=0
  [[ -n $forwarder ]] && kill -0 "$forwarder" 2>/dev/null && return
  : >"$log"
  in_shop port-forward service/frontend :3000 >"$log" 2>&1 &
  forwarder=$!
  until shop=$(sed -n 's#^Forwarding from \(127\.0\.0\.1:[0-9]*\) .*#http://\1#p' "$log") && [[ -n $shop ]]; do
    if ((++tries > 100)) || ! kill -0 "$forwarder" 2>/dev/null; then
      stop_looking
      return 1
    fi
    sleep 0.1
  done
}

# answers METHOD PATH: with a status of success, in time.
answers() {
  local status
  reach || return 1
  status=$(curl --silent --max-time 10 --request "$1" --output "$work/answer" --write-out '%{http_code}' "$shop$2") &&
    [[ $status == 2* ]] && return
  # Perhaps only the way to it is broken.
  stop_looking
  return 1
}

# Whether what must hold holds now: pages are shown, carts can be begun.
hold_now() {
  local promise
  for promise in $holds; do
    case $promise in
      pages) answers GET /products ;;
      carts) answers POST /api/carts ;;
    esac || { broken=$promise; return 1; }
  done
}

# Whether the alert fires in the shop's namespace.
alert_fires() {
  ((look_for_alert)) && [[ -n $alert ]] || return 1
  local path=/api/v1/namespaces/monitoring/services/prometheus-operated:9090/proxy/api/v1/query
  local query="ALERTS%7Balertname%3D%22$alert%22%2Calertstate%3D%22firing%22%2Cnamespace%3D%22$namespace%22%7D"
  kube get --raw "$path?query=$query" 2>/dev/null | grep -q '"value"'
}

# Until the alert fires, or the time is over; fails if something did not hold, or nobody was told.
watch_it() {
  local failed=0 looks=0 told="" deadline=$((SECONDS + lasts)) begun=$SECONDS
  step "While it lasts, $lasts s at most"
  while ((SECONDS < deadline)); do
    looks=$((looks + 1))
    if hold_now; then
      failed=0
    elif ((++failed >= few)); then
      fail "$broken did not hold: $failed looks in a row failed." "In the shop's namespace: kubectl get pods, kubectl get events"
    fi
    if [[ -z $told ]] && alert_fires; then
      told=$((SECONDS - begun))
      note "$alert fires after $told s"
      break
    fi
    sleep "$poll_seconds"
  done
  note "$looks looks: what must hold held"
  if ((look_for_alert)) && [[ -n $alert && -z $told ]]; then
    fail "$alert did not fire within $lasts s." "Is the shop scraped? Are the rules in? k8s/monitoring says."
  fi
}
