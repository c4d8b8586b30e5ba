# shellcheck shell=bash
# Settings and small helpers of the test cloud, sourced by every script.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) # test/cloud
BASE=${OSBASE:-/var/lib/oscloud}                      # everything written lives here
NAME=$(basename "$BASE")                              # names the cgroups and the folder in /run
STATE=/run/$NAME                                      # what outlives WIPE=1: the lock, the machine's network before up
ETC=$BASE/etc LOG=$BASE/log RUN=$BASE/run DATA=$BASE/data
HOST=oshost      # Nova's and Neutron's "host", the same everywhere
PASS=secret      # the one password of all users
SOCK=$RUN/mysqld.sock
BACKEND=${BACKEND:-$(cat "$BASE/backend" 2>/dev/null || echo linuxbridge)} # linuxbridge or ovn
# by these ovs-vsctl, ovs-appctl, ovn-nbctl and ovn-sbctl find this cloud's daemons
export OVS_RUNDIR=$RUN/ovs OVN_RUNDIR=$RUN/ovs OVN_NB_DB=unix:$RUN/ovs/ovnnb_db.sock OVN_SB_DB=unix:$RUN/ovs/ovnsb_db.sock
export OS_CLIENT_CONFIG_FILE=$BASE/clouds.yaml
export PATH=/usr/sbin:/usr/bin:/sbin:/bin # a pyenv in PATH would shadow /usr/bin/python3
export LC_ALL=C.UTF-8
export PYTHONDONTWRITEBYTECODE=1 # nothing is written beside these scripts
unset OS_CLOUD
T0=${T0:-$(date +%s)}
export T0

say() { printf '%s %4ds  %s\n' "$(date +%T)" "$(($(date +%s) - T0))" "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# waitfor SECONDS WHAT CMD...: polls CMD every 0.2 s
waitfor() {
  local what=$2 end=$(($(date +%s) + $1))
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s)" -lt "$end" ] || { say "waited too long for $what"; return 1; }
    sleep 0.2
  done
}

# port NUMBER: something accepts connections there
port() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# http PORT/PATH: answers without an error status
http() { curl -sf -m 10 -o /dev/null --noproxy '*' "http://127.0.0.1:$1"; }

# cgroups: where the servers' cgroups are. Version 1 or hybrid: two named trees; version 2: one tree
cgroups() {
  local c found=
  for c in systemd unified; do
    [ ! -d "/sys/fs/cgroup/$c" ] || { echo "/sys/fs/cgroup/$c/$NAME"; found=1; }
  done
  [ -n "$found" ] || echo "/sys/fs/cgroup/$NAME"
}

# sql [ARGS]: the database's client
sql() { mariadb -uroot -S "$SOCK" "$@"; }

# lock [-n]: one up or down at a time. The descriptor is closed in all daemons (start, ours).
lock() {
  mkdir -p "$STATE"
  exec 9>"$STATE/lock"
  flock "$@" 9
}
