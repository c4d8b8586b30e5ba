# Takes the group's agent away, and with the last group all that havip put on
# the server. The configuration goes last: it is what makes the server a
# member, and a run that is cut off is taken up again. An installation that is
# at work is waited for; one that waits finds that its group has gone.
set -e
exclusive
if [ $init = systemd ]; then
	if [ -e "$unit" ]; then
		systemctl disable --quiet "$service" 2>/dev/null || true
		systemctl stop "$service"
		systemctl reset-failed "$service" 2>/dev/null || true
	fi
elif [ -x "$script" ]; then
	"$script" stop
	if have update-rc.d; then
		update-rc.d -f "${script##*/}" remove >/dev/null 2>&1 || true
	elif have chkconfig; then
		chkconfig --del "${script##*/}" || true
	elif have rc-update; then
		rc-update -q del "${script##*/}" default || true
	fi
	rm -f "$script"
fi
rm -rf "$root/run/havip/$group"

# Others are groups with a configuration, and those whose installation has
# begun; an old mark is of one that was given up.
others=
for c in "$confdir"/*.yaml "$confdir"/.*.pending; do
	case $c in
	"$config" | "$pending") ;;
	*.pending) [ -z "$(find "$c" -mmin -60 2>/dev/null)" ] || others=yes ;;
	*) [ ! -e "$c" ] || others=yes ;;
	esac
done
if [ -z "$others" ]; then
	if [ $init = systemd ] && [ -e "$unit" ]; then
		rm -f "$unit"
		systemctl daemon-reload
	fi
	rm -f "$agent" "${agent%/*}"/.havip-agent.*
	# Only the user that havip made: somebody else may have had one before.
	if grep -q "^$user:[^:]*:[^:]*:[^:]*:$mark" "$root/etc/passwd" 2>/dev/null; then
		if have userdel; then userdel "$user" >&2; else deluser "$user" >&2; fi
		if grep -q "^$user:" "$root/etc/group" 2>/dev/null; then
			if have groupdel; then groupdel "$user" >&2; else delgroup "$user" >&2; fi
		fi
	fi
fi
rm -f "$config" "$pending" "$config".*.new
if [ -z "$others" ]; then
	rm -f "$confdir"/.*.pending
	rmdir "$root/run/havip" "$confdir" 2>/dev/null || true
fi
