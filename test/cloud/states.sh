#!/bin/bash
# Shows that up works whatever an earlier run left, and that down leaves nothing. Destroys the cloud on the way and leaves a
# new one running. Takes some 20 minutes; `states.sh CASE...` runs some: noop killed stale reboot foreign cut
. "$(dirname "$0")/lib/common.sh"
. "$HERE/lib/process.sh"
. "$HERE/lib/network.sh"
T0=$(date +%s)
OUT=$(mktemp)
trap 'rm -f "$OUT"' EXIT

must() { "$@" >"$OUT" 2>&1 || { cat "$OUT"; die "failed: $*"; }; }
must_not() { if "$@" >"$OUT" 2>&1; then cat "$OUT"; die "should have failed: $*"; fi; }
said() { grep -q "$1" "$OUT" || { cat "$OUT"; die "was to say: $1"; }; }
usable() { must "$HERE/status.sh" && OS_CLOUD=demo-appcred must openstack network show public -f value -c id; }
kill_all() { for p in $(all_ours); do kill -9 "$p" 2>/dev/null || true; done; }

case_noop() {
  must "$HERE/up.sh"
  local first
  first=$(pid_of keystone)
  must env T0= "$HERE/up.sh"
  said 'is running and everything answers'
  [ "$(pid_of keystone)" = "$first" ] || die "the second up started keystone anew"
}

case_killed() { # every process, with namespaces, mounts, bridges and rules still there
  must "$HERE/up.sh"
  local net
  net=$(OS_CLOUD=demo openstack network create states-net -f value -c id)
  kill_all
  [ -n "$(our_namespaces)" ] || die "the namespaces were to be left"
  must_not "$HERE/status.sh"
  must env T0= "$HERE/up.sh"
  usable
  [ "$(OS_CLOUD=demo openstack network show states-net -f value -c id)" = "$net" ] || die "the databases were to be kept"
  OS_CLOUD=demo openstack network delete states-net
}

case_stale() { # pid files that name a living process of somebody else
  sleep 1000 &
  local foreign=$! s
  must "$HERE/down.sh"
  must "$HERE/check-clean.sh"
  for s in keystone neutron-server nova-compute mysqld; do echo $foreign >"$RUN/$s.pid"; done
  must "$HERE/down.sh"
  for s in keystone neutron-server nova-compute mysqld; do echo $foreign >"$RUN/$s.pid"; done
  must env T0= "$HERE/up.sh"
  usable
  kill -0 $foreign || die "a foreign process was killed"
  kill $foreign
}

case_reboot() { # nothing in the kernel is left, all files are
  kill_all
  remove_network
  rm -rf "$STATE"
  must env T0= "$HERE/up.sh"
  usable
}

case_foreign() { # a daemon of somebody else on one of the ports: named, not touched, no data lost
  must "$HERE/down.sh"
  python3 -c 'import socket, time
s = socket.create_server(("127.0.0.1", 9696)); time.sleep(1000)' &
  local foreign=$!
  waitfor 10 "the foreign daemon" port 9696
  must_not env T0= "$HERE/up.sh"
  said 'port 9696 of 127.0.0.1 is taken'
  kill -0 $foreign || die "the foreign daemon was killed"
  [ -e "$BASE/.resources" ] || die "the databases were to be kept"
  kill $foreign
  wait $foreign 2>/dev/null || true
  must env T0= "$HERE/up.sh"
  usable
}

# cut_off TEXT SECONDS: a fresh up is killed (its own shells only, what they started goes on) SECONDS after it said TEXT
cut_off() {
  must "$HERE/down.sh"
  : >"$OUT"
  FRESH=1 T0='' setsid "$HERE/up.sh" >"$OUT" 2>&1 &
  local up=$! p
  waitfor 600 "up to say $1" grep -q "$1" "$OUT"
  sleep "$2"
  for p in $(pgrep -s "$up" -f "$HERE/(up|lib/start)\.sh"); do kill -9 "$p" 2>/dev/null || true; done
  wait $up 2>/dev/null || true
  must env T0= "$HERE/up.sh"
  usable
  say "cut $2 s after \"$1\": up again works"
}
case_cut() {
  cut_off 'packages installed' 1
  cut_off 'message queue answer' 5
  cut_off 'schemas made' 4
  cut_off 'keystone answers' 2
  cut_off 'APIs answer' 3
}

[ $# != 0 ] || set -- noop killed stale reboot foreign cut
for c in "$@"; do
  begun=$(date +%s)
  "case_$c"
  say "$c: as it should be ($(($(date +%s) - begun)) s)"
done
