# shellcheck shell=bash
# What verify.sh and verify-keepalived.sh share: a tenant's network net1 with the servers s1 and s2 and the VIP port.
export OS_CLOUD=demo
VIP=10.0.0.100
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT

inet() { ip netns exec internet "$@"; }
fip() { openstack floating ip list --port "$1" -f value -c 'Floating IP Address'; }
status() { openstack server show "$1" -f value -c status; }
until_status() { waitfor 90 "$1 to be $2" eval "[ \"\$(status $1)\" = $2 ]"; }

# guest SERVER CMD: by ssh through the server's own floating IP
guest() {
  local h=F_$1
  inet ssh -i "$BASE/id_ed25519" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
    -o ConnectTimeout=2 "debian@${!h}" "${@:2}"
}

# addresses: where the floating IPs are: V of the VIP port, F_s1 and F_s2 of the servers
addresses() { V=$(fip vip) F_s1=$(fip p1) F_s2=$(fip p2); }

# gap LABEL SECONDS CMD...: longest time without a reply through the VIP's floating IP while CMD runs and SECONDS after
gap() {
  local pid end
  ip netns exec internet ping -n -i 0.01 -D "$V" >"$TMP/ping" 2>&1 & # no function: the signal is for ping itself
  pid=$!
  sleep 1
  "${@:3}"
  sleep "$2"
  end=$(date +%s.%N)
  kill -INT "$pid"
  wait "$pid" || true
  printf '%-42s %s   address on: %s\n' "$1" "$(awk -v e="$end" '
    /bytes from/ {gsub(/[][]/, "", $1); if (p && $1 - p > m) m = $1 - p; p = $1; n++}
    END {if (e - p > m) m = e - p; printf "%d replies, longest gap %.0f ms", n, m * 1000}' "$TMP/ping")" "$(who_has)"
}
who_has() {
  local s
  for s in s1 s2; do
    if [[ $("$HERE/srv.sh" exec $s ip -o addr show eth0 2>/dev/null) == *" $VIP/"* ]]; then printf '%s ' $s; fi
  done
}
