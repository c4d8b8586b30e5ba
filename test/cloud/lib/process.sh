# shellcheck shell=bash
# Which processes are ours, and how they start and end.
#
# Proof is the cgroup: each service, job and server has one of its own below $NAME, which its children inherit and cannot
# lose (an environment can be: neutron-server overwrites its own with a process title). A pid file only says which process
# of the service's cgroup is its leader; after a reboot or by chance its number may be anybody's.
CGROUP=$(cgroups | tail -n 1)

# members CGROUP: the processes in it and below
members() {
  [ ! -d "$1" ] || find "$1" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -un
}

# pid_of SERVICE: its leader, if alive and proven
pid_of() {
  local pid=''
  read -r pid 2>/dev/null <"$RUN/$1.pid" || return 1
  members "$CGROUP/service/$1" | grep -xF -- "$pid"
}

services_left() { members "$CGROUP/service"; members "$CGROUP/job"; }

# guests: all processes of the servers
guests() {
  local c
  for c in $(cgroups); do
    [ ! -d "$c" ] || find "$c" -name cgroup.procs -not -path "$c/service/*" -not -path "$c/job/*" -exec cat {} + 2>/dev/null
  done | sort -un
}

# environ_has PID VAR=VALUE...: each stands in the environment of PID
environ_has() {
  local pid=$1 v
  shift
  for v in "$@"; do
    grep -qzxsF -- "$v" "/proc/$pid/environ" || return 1
  done
}

# legacy: processes of a cloud started by the recipe this one grew from, which made no cgroups: a pid file names a
# session leader that writes the log of that name, and then all of its session; and rabbitmq's epmd
legacy() {
  local f pid=''
  for f in "$RUN"/*.pid; do
    [ -f "$f" ] || continue
    read -r pid 2>/dev/null <"$f" || true
    [ -n "$pid" ] && [ "$(readlink "/proc/$pid/fd/1")" = "$LOG/$(basename "$f" .pid).log" ] || continue
    [ "$(ps -o sid= -p "$pid" | tr -d ' ')" = "$pid" ] && ps -o pid= -s "$pid" | tr -d ' '
  done
  for pid in $(pgrep -x epmd); do
    if environ_has "$pid" "OVS_RUNDIR=$OVS_RUNDIR" RABBITMQ_NODENAME=rabbit@localhost; then echo "$pid"; fi
  done
}

all_ours() { { services_left; guests; legacy; } | sort -un; }

# JOIN CGROUP CMD...: a shell that enters the cgroup and becomes CMD
# shellcheck disable=SC2016
JOIN='echo $$ >"$0/cgroup.procs" && exec "$@"'

# ours CMD...: a job that may outlive this script, if that is killed; without the lock, which may not
ours() {
  mkdir -p "$CGROUP/job"
  bash -c "$JOIN" "$CGROUP/job" "$@" 9>&-
}

# start SERVICE USER CMD...: runs CMD in the background in its own session; does nothing if it runs
start() {
  local name=$1 as=()
  if pid_of "$name" >/dev/null; then return; fi
  [ "$2" = root ] || as=(setpriv "--reuid=$2" "--regid=$2" --init-groups)
  rm -f "$RUN/$name.pid"
  mkdir -p "$CGROUP/service/$name"
  # no function here: the background shell itself has to become the service
  # shellcheck disable=SC2016
  bash -c "$JOIN" "$CGROUP/service/$name" setsid bash -c 'echo $$ >"$0"; exec "$@"' "$RUN/$name.pid" "${as[@]}" "${@:3}" \
    </dev/null >>"$LOG/$name.log" 2>&1 9>&- &
  disown
}

# await SERVICE SECONDS CMD...: waits until CMD says that it answers; fails at once when it has died
await() {
  local name=$1 seconds=$2
  shift 2
  waitfor 10 "$name to start" test -s "$RUN/$name.pid" || return 1
  answers_or_dead() { "$@" || ! pid_of "$name"; }
  waitfor "$seconds" "$name" answers_or_dead "$@" || { tail -n 20 "$LOG/$name.log"; return 1; }
  pid_of "$name" >/dev/null || { say "$name ended: $LOG/$name.log says"; tail -n 20 "$LOG/$name.log"; return 1; }
}

# end_all SECONDS LISTCMD...: TERM to all that LISTCMD lists, KILL to what is left after SECONDS
end_all() {
  local end=$(($(date +%s) + $1)) p
  shift
  for p in $("$@"); do kill -TERM "$p" 2>/dev/null || true; done
  while [ "$(date +%s)" -lt "$end" ]; do
    [ -n "$("$@")" ] || return 0
    sleep 0.1
  done
  for _ in 1 2 3 4 5; do
    for p in $("$@"); do kill -KILL "$p" 2>/dev/null || true; done
    sleep 0.2
    [ -n "$("$@")" ] || return 0
  done
  say "still there after SIGKILL: $("$@" | xargs)"
  return 1
}

# stores: database and queue, which end last, so that the others can sign off
stores() {
  local s
  for s in mysqld rabbitmq memcached; do members "$CGROUP/service/$s"; done
}
others() { services_left | grep -vxF -f <(stores) || true; }

# stop_all: the servers as by a power cut, then the services, then the stores
stop_all() {
  local p
  for p in $(guests); do kill -KILL "$p" 2>/dev/null || true; done
  end_all 10 others || true
  end_all 20 stores || true
  end_all 5 all_ours
  rm -f "$RUN"/*.pid
}
