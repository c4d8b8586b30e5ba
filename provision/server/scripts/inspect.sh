# Facts about the server, one a line: a word, then its values, separated by
# tabs. Contents are in base64. It changes nothing.
fact() {
	printf '%s' "$1"
	shift
	for v in "$@"; do printf '\t%s' "$v"; done
	echo
}
encode() { base64 | tr -d '\n'; }

fact havip 1
fact uid "$(id -u)"
fact arch "$(uname -m)"
fact init $init
if [ -r "$root/etc/os-release" ]; then
	fact os "$(. "$root/etc/os-release" && printf '%s' "${PRETTY_NAME:-$NAME}")"
fi

for nic in "$root"/sys/class/net/*; do
	[ -r "$nic/address" ] && fact nic "${nic##*/}" "$(cat "$nic/address")"
done
ip -o addr show 2>/dev/null | while read -r _ name family address _; do
	case $family in inet | inet6) fact addr "${name%@*}" "$address" ;; esac
done

if [ -x "$agent" ]; then
	fact binary "$(sum "$agent")"
	fact version "$(limited 5 "$agent" version 2>/dev/null | head -n 1)"
fi
fact unit "$(sum "$unit")"
[ -e "$pending" ] && fact pending
if [ -r "$config" ]; then
	fact config "$(encode <"$config")"
fi
# A group whose installation has begun is there as well: by its mark, and by
# the configuration that waits for its turn. They are looked for in the order
# in which they go.
for c in "$confdir"/*.yaml.*.new "$confdir"/.*.pending "$confdir"/*.yaml; do
	[ -e "$c" ] || continue
	c=${c##*/}
	case $c in
	*.new) c=${c%.yaml.*.new} ;;
	*.pending) c=${c#.} && c=${c%.pending} ;;
	*) c=${c%.yaml} ;;
	esac
	fact group "$c"
done
if [ $init = systemd ]; then
	systemctl is-enabled --quiet "$service" 2>/dev/null && fact enabled
else
	for link in "$root"/etc/rc?.d/S*"${script##*/}" "$root/etc/rc.d"/rc?.d/S*"${script##*/}" "$root/etc/runlevels"/*/"${script##*/}"; do
		[ -e "$link" ] && fact enabled && break
	done
fi
if running; then
	fact running
	# What runs is not what lies there, when an upgrade was cut off.
	pid=$(main_pid)
	[ -n "$pid" ] && fact exe "$(sum "$root/proc/$pid/exe")"
	fact status "$(status 2>/dev/null | encode)"
fi

for proc in "$root"/proc/[0-9]*; do
	name=
	read -r name 2>/dev/null <"$proc/comm"
	case $name in
	keepalived | vrrpd | ucarp)
		fact foreign "$name" "${proc##*/}" "$(sed -n 's/^PPid:[[:space:]]*//p' "$proc/status" 2>/dev/null)" \
			"$(tr '\0' ' ' <"$proc/cmdline" 2>/dev/null | encode)"
		;;
	esac
done
for c in "$root"/etc/keepalived/*.conf "$root"/etc/keepalived/*/*.conf; do
	[ -r "$c" ] && fact keepalived "$(encode <"$c")"
done
[ -r "$root/etc/frr/frr.conf" ] && fact frr "$(encode <"$root/etc/frr/frr.conf")"
exit 0
