# shellcheck shell=bash
# Whatever fails, the shop ends on the old release or on the new one, and the last line says which.
# Part of deliveries; scripts/delivery/record.sh says what is written down where.
# shellcheck disable=SC2034,SC2154 # variables are set in one file and used in another

# Whether the command brings releases at all: others have nothing to say of what runs.
delivers=${delivers:-0}
# Whether it goes back to one that ran before.
going_back=${going_back:-0}
# Whether the lock is ours, whether a workload may have been changed, whether the new release stands.
begun=0 touched=0 committed=0
# The release that runs and the one that is brought: their numbers.
old="" new=""

# Takes the lock. `new` is the number of a release that is recorded already (going back), or empty.
begin() {
  step "Looking at what runs in $namespace"
  ensure_namespace
  read_releases || fail "The cluster cannot be asked for the releases of $namespace."
  check_lock
  adopt
  old=$current
  if [[ -n $old ]]; then
    read_record "$old" "$work/old.yaml" || fail "The record of release $old cannot be read." \
      "Look: kubectl --context $context --namespace $namespace get configmap release-$old"
    note "now: $(about "$old")"
    [[ -n $new ]] || ! same_as_old || new=$old
  else
    note "no shop yet"
  fi
  local is_recorded=1
  [[ -n $new ]] || { new=$((last + 1)) && is_recorded=0; }
  if ((dry_run)); then
    note "would take the lock, and bring release $new"
    return
  fi
  write_releases "$current" "$previous" "$((new > last ? new : last))" "$new" || {
    # Unless it was ours that came through, it is somebody else's, and not ours to give back.
    [[ $holder != "$me" ]] || begun=1
    fail "The ConfigMap releases cannot be written." "Somebody else may have begun just now: scripts/rollback.sh --list"
  }
  begun=1
  ((is_recorded)) || write_record "$new" "$rendered" || fail "Release $new cannot be recorded."
  note "bringing release $new"
}

ensure_namespace() {
  local there
  there=$(kube get namespace "$namespace" --ignore-not-found --output name) ||
    fail "The cluster cannot be asked for the namespace $namespace."
  [[ -z $there ]] || return 0
  if [[ ${rendered:-} == "" ]]; then fail "There is no namespace $namespace."; fi
  part "$rendered" only Namespace >"$work/namespace.yaml"
  change kube apply --filename "$work/namespace.yaml" || fail "The namespace $namespace cannot be made."
}

check_lock() {
  [[ -n $under_way && $holder != "$me" ]] || return 0
  local age=$(($(date +%s) - since))
  if ((take_over || age > lock_seconds)); then
    note "release $under_way was left unfinished by $holder; it is taken over"
    return
  fi
  fail "Release $under_way is under way since $((age / 60)) minutes, by $holder." \
    "If that run is dead: scripts/rollback.sh --unfinished --take-over --namespace $namespace"
}

# A shop that nobody recorded (deploy.sh, kubectl apply -k) is recorded as it was applied, so that there is
# something to go back to. Not the pieces of a first release that failed: those are recorded as none.
adopt() {
  local found
  [[ -z $pointer_version ]] || return 0
  found=$(live_images) || fail "The cluster cannot be asked for its Deployments."
  [[ -n $found && -n ${rendered:-} ]] || return 0
  ((!dry_run)) || return 0
  remember
  ((update)) || fail "There is a shop in $namespace that was not applied by kubectl, so there is nothing to go back to." \
    "Apply what runs once by kubectl apply -k, or leave deliveries to what manages it."
  # As YAML, like everything else that is recorded.
  mkdir "$work/before"
  mv "$work/before.yaml" "$work/before/before.yaml"
  printf 'resources:\n  - before.yaml\n' >"$work/before/kustomization.yaml"
  kubectl kustomize "$work/before" >"$work/old.yaml" || fail "What runs cannot be read."
  last=$(list_records | head -n 1 | cut -d ' ' -f 1) || fail "The cluster cannot be asked for its releases."
  last=$((${last:-0} + 1))
  revision="" write_record "$last" "$work/old.yaml" || fail "What runs cannot be recorded."
  write_releases "$last" "" "$last" "" || fail "The ConfigMap releases cannot be written."
}

# Whether what is brought is what runs: then nothing new is recorded, and applying it mends what strayed.
same_as_old() {
  [[ $(part "$rendered" except Secret) == "$(<"$work/old.yaml")" ]]
}

# First what the services need, migrations among it: if one fails, no service was touched. Migrations only
# add (contract comes a release later), so the old release goes on beside them, and after them.
roll() {
  step "Applying what the services need"
  if ((dry_run)); then
    change kube apply --filename "$rendered"
    wait_for_jobs
    wait_for_rollouts
    return
  fi
  clear_failed_jobs
  touched=1
  part "$rendered" except Deployment Rollout HorizontalPodAutoscaler >"$work/first.yaml"
  kube apply --filename "$work/first.yaml" | indent || fail "Not everything could be applied." "kubectl's words are above."
  wait_for_jobs
  step "Applying the services"
  kube apply --filename "$rendered" | indent || fail "Not everything could be applied." "kubectl's words are above."
  wait_for_rollouts
  check_images
}

# Somebody may have changed a Deployment meanwhile, or a webhook on the way.
check_images() {
  local live
  live=$(live_images) || fail "The cluster cannot be asked for its Deployments."
  all_in "$(images_in "$rendered")" "$live" || fail "Not every Deployment has the image of the release." "$live"
}

# all_in LINES TEXT: each line is one of the text's.
all_in() {
  local line
  while IFS= read -r line; do
    [[ $'\n'$2$'\n' == *$'\n'$line$'\n'* ]] || return 1
  done <<<"$1"
}

# The new release stands. If only the note of that cannot be written, it still does: nothing is undone.
commit() {
  step "Noting that release $new runs"
  ((dry_run)) && return
  committed=1
  local before=$previous
  [[ $new == "$current" ]] || before=$current
  write_releases "$new" "$before" "$last" "" ||
    fail "That release $new runs cannot be noted in the ConfigMap releases." \
      "When the cluster answers: the same command again, or scripts/rollback.sh --unfinished to go back."
  forget_old_records || true
}

# Runs at every end of a command.
leave() {
  local status=$1
  trap - EXIT
  # What follows has to come to its end.
  trap '' INT TERM HUP
  set +e
  [[ -z $waiting ]] || kill "$waiting" 2>/dev/null
  stop_forwarding
  if ((status != 0)); then
    ((status < 128)) || complain "Stopped."
    complain "       (while: $doing)"
    if ((begun && !committed)); then
      ((!touched)) || explain
      undo
    fi
  fi
  ((!delivers)) || last_words "$status"
  rm -rf "$work"
  exit "$status"
}

# Puts back the old release, and asks the cluster what came of it: sets `ends`.
undo() {
  complain ""
  if [[ -z $old ]]; then
    ends=first
    persist write_releases "" "" "$last" ""
    return
  fi
  ends=old
  if ((touched)); then
    complain "Putting back release $old. The database stays as it was migrated: the old release works with it."
    part "$work/old.yaml" except Job Secret >"$work/back.yaml"
    local applied=yes
    persist kube apply --filename "$work/back.yaml" >&2 || applied=no
    remove_what_is_new
    wait_until_back
    judge "$applied"
  fi
  [[ $ends != old ]] || persist write_releases "$old" "$previous" "$last" "" ||
    complain "warning: the ConfigMap releases still says that release $new is under way; scripts/rollback.sh --unfinished mends that."
}

# Several times: what failed before may only have been the way to the cluster.
persist() {
  local tries=0
  until "$@"; do
    ((++tries < 5)) || return 1
    pause "$((tries * tries))"
  done
}

# Workloads that the old release does not have.
remove_what_is_new() {
  local kind name known
  for kind in Rollout HorizontalPodAutoscaler CronJob Deployment; do
    known=" $(names_of "$kind" "$work/old.yaml" | tr '\n' ' ') "
    for name in $(names_of "$kind" "$rendered"); do
      [[ $known == *" $name "* ]] || persist in_shop delete "$kind" "$name" --ignore-not-found >&2
    done
  done
}

wait_until_back() {
  local name
  for name in $(names_of StatefulSet "$work/old.yaml"); do
    in_shop rollout status "statefulset/$name" --timeout="$timeout" >&2 || ready=no
  done
  for name in $(names_of Deployment "$work/old.yaml"); do
    in_shop rollout status "deployment/$name" --timeout="$timeout" >&2 || ready=no
  done
}

# judge APPLIED: what the cluster holds decides, not what was tried.
judge() {
  local live was is
  ends=unknown
  if ! live=$(persist live_images); then
    # It does not answer that, but it took all of it, and every rollout is done.
    [[ $1 != yes || $ready != yes ]] || ends=old
    return
  fi
  was=$(images_in "$work/old.yaml") is=$(images_in "$rendered")
  # Where the two differ in settings alone, images say nothing.
  [[ $1 == yes || $was != "$is" ]] || return
  if all_in "$was" "$live"; then
    ends=old
  elif all_in "$is" "$live"; then
    ends=new
  else
    ends=between
    complain "$live"
  fi
}

ends="" ready=yes

# The last line is for whoever reads nothing else.
last_words() {
  local status=$1
  if ((status == 0)); then
    ((begun)) || return
    say ""
    if [[ $old == "$new" ]]; then
      say "The shop runs the release that ran before: $(about "$new")."
    elif ((going_back)); then
      say "The shop is back on the earlier release: $(about "$new")."
    else
      say "The shop runs the new release: $(about "$new")."
    fi
    return
  fi
  complain ""
  if ((!begun)); then
    complain "Nothing was changed: the shop still runs what it ran."
    return
  fi
  [[ $ready == yes ]] || complain "Not all of its pods are ready: kubectl --context $context --namespace $namespace get pods"
  if ((committed)); then ends=new; fi
  case $ends in
    old)
      if ((going_back)); then
        complain "The shop still runs the release that it was to leave: $(about "$old")."
      else
        complain "The shop runs the old release: $(about "$old")."
      fi
      ;;
    new)
      if ((going_back)); then
        complain "The shop is back on the earlier release: $(about "$new")."
      else
        complain "The shop runs the new release: $(about "$new")."
      fi
      ;;
    first) complain "There was no release before: what was applied is left to be looked at; the same command goes on." ;;
    *) complain "It is not known what the shop runs: the cluster did not take back release $old. When it answers: scripts/rollback.sh --unfinished --take-over --namespace $namespace" ;;
  esac
}
