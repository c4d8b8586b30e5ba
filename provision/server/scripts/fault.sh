# Makes a fault on the group's active server, for $seconds at most: before it is
# made, a timer is set that undoes it, whatever becomes of who asked. $fault names
# it; $vip, $nic and $port are what it needs.
set -e
undo=$root/run/havip-undo-$group
[ ! -e "$undo" ] || die "an earlier fault is not undone yet ($undo)"
pid=$(main_pid)

case $fault in
agent-stop) back="start_agent" ;;
agent-kill) back="start_agent" ;;
agent-freeze) back="kill -CONT $pid 2>/dev/null || true" ;;
vrrp-block | service)
	if have nft; then
		back="nft delete table inet havip_test 2>/dev/null || true"
	elif have iptables && [ $fault = vrrp-block ]; then
		back="unblock iptables; have ip6tables && unblock ip6tables || true"
	else
		die "not possible: the server has no nft"
	fi
	;;
vip-delete | net-reload) back=: ;;
*) die "unknown fault $fault" ;;
esac
case $fault in agent-*) [ -n "$pid" ] || die "the agent does not run" ;; esac

# The undo is a script of its own, so that it does what it is to do also when
# this one is gone.
umask 077
mark="# fault $$ $(date +%s)"
cat >"$undo.new" <<EOF
$mark
PATH=$path
have() { command -v "\$1" >/dev/null 2>&1; }
start_agent() {
	if [ $init = systemd ]; then systemctl start "$service"; else "$script" start; fi
}
unblock() {
	while "\$1" -D INPUT -p 112 -j DROP 2>/dev/null; do :; done
	while "\$1" -D OUTPUT -p 112 -j DROP 2>/dev/null; do :; done
}
$back
rm -f "$undo" "$undo.timer"
EOF
mv -f "$undo.new" "$undo"
if have systemd-run && [ $init = systemd ]; then
	systemctl stop "havip-undo-$group.timer" 2>/dev/null || true
	systemctl reset-failed "havip-undo-$group.service" 2>/dev/null || true
	systemd-run --quiet --collect --unit="havip-undo-$group" --on-active="$seconds" --timer-property=AccuracySec=100ms sh "$undo"
else
	# It undoes this fault and no later one.
	setsid sh -c "sleep $seconds; ! grep -qsx '$mark' '$undo' || exec sh '$undo'" </dev/null >/dev/null 2>&1 &
	echo $! >"$undo.timer"
fi

case $fault in
agent-stop)
	if [ $init = systemd ]; then systemctl stop --no-block "$service"; else setsid "$script" stop </dev/null >/dev/null 2>&1 & fi
	;;
agent-kill) kill -KILL "$pid" ;;
agent-freeze) kill -STOP "$pid" ;;
vrrp-block)
	if have nft; then
		nft -f - <<-EOF
			table inet havip_test {
				chain input { type filter hook input priority -300; meta l4proto 112 drop; }
				chain output { type filter hook output priority -300; meta l4proto 112 drop; }
			}
		EOF
	else
		for t in iptables ip6tables; do
			have $t || continue
			$t -I INPUT -p 112 -j DROP
			$t -I OUTPUT -p 112 -j DROP
		done
	fi
	;;
service)
	nft -f - <<-EOF
		table inet havip_test {
			chain input { type filter hook input priority -300; iifname "lo" tcp dport $port reject with tcp reset; }
		}
	EOF
	;;
vip-delete) ip addr del "$vip" dev "$nic" ;;
net-reload)
	if have networkctl && systemctl is-active --quiet systemd-networkd; then
		networkctl reload && networkctl reconfigure "$nic"
	elif have nmcli && systemctl is-active --quiet NetworkManager; then
		nmcli device reapply "$nic"
	elif have netplan; then
		netplan apply
	else
		"$undo" 2>/dev/null || sh "$undo"
		die "not possible: neither systemd-networkd nor NetworkManager nor netplan runs there"
	fi
	;;
esac
date +%s.%N
