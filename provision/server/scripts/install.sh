# Two lines on stdin: the service file and the configuration, in base64.
# $restart is "yes" where a reload does not do; $want is the configuration's
# hash. Every step may be repeated.
set -e
IFS= read -r unit64
IFS= read -r config64

# The new configuration, while it waits for its turn: the removal of the group
# sees that an installation has begun, and by taking it away ends it.
temp=$config.$$.new
mkdir -p "$confdir" "${unit%/*}"
chmod 0755 "$confdir"
(umask 077 && printf '%s' "$config64" | base64 -d >"$temp") || {
	rm -f "$temp"
	die "$confdir cannot be written"
}
exclusive
[ -e "$temp" ] || die "the group was removed from this server meanwhile"

[ -x "$agent" ] || die "$agent is missing"
# It is tried before anything is changed.
"$agent" validate --config "$temp" >/dev/null || die "the agent does not accept the configuration"

# What an earlier run had begun and not finished is part of this one.
if [ "$(cat "$pending" 2>/dev/null)" = restart ]; then restart=yes; fi
note() { if [ "$restart" = yes ]; then echo restart; fi >"$pending"; }
note

if ! id "$user" >/dev/null 2>&1; then
	if have useradd; then
		grep -q "^$user:" "$root/etc/group" || groupadd --system "$user"
		useradd --system --gid "$user" --no-create-home --home-dir /nonexistent \
			--shell /usr/sbin/nologin --comment "$mark" "$user" || id "$user" >/dev/null # another run was faster
	else # busybox
		grep -q "^$user:" "$root/etc/group" || addgroup -S "$user"
		adduser -S -D -H -h /nonexistent -s /sbin/nologin -g "$mark" -G "$user" "$user"
	fi
fi

changed=
printf '%s' "$unit64" | base64 -d >"$unit.$$.new"
if [ "$(sum "$unit.$$.new")" != "$(sum "$unit")" ]; then
	restart=yes changed=yes
	note
	if [ $init = systemd ]; then chmod 0644 "$unit.$$.new"; else chmod 0755 "$unit.$$.new"; fi
	mv -f "$unit.$$.new" "$unit"
	if have restorecon; then restorecon "$unit" || true; fi
fi
if [ $init = systemd ] && { [ "$changed" = yes ] || [ "$(systemctl show -p NeedDaemonReload "$service")" != NeedDaemonReload=no ]; }; then
	systemctl daemon-reload
fi

chgrp "$user" "$temp"
chmod 0640 "$temp"
mv -f "$temp" "$config"
if have restorecon; then restorecon -R "$confdir" || true; fi

# Enabling before the start: a server that dies in between comes back right.
if [ $init = systemd ]; then
	systemctl is-enabled --quiet "$service" 2>/dev/null || systemctl enable --quiet "$service"
elif have update-rc.d; then
	# It does nothing where any link is left, be it one that only stops.
	for level in 2 3 4 5; do
		ls "$root/etc/rc$level.d"/S*"${script##*/}" >/dev/null 2>&1 && continue
		update-rc.d -f "${script##*/}" remove >/dev/null
		break
	done
	update-rc.d "${script##*/}" defaults >/dev/null
elif have chkconfig; then
	chkconfig --add "${script##*/}"
	chkconfig "${script##*/}" on # where somebody switched it off
elif have rc-update; then
	rc-update -q add "${script##*/}" default
else
	die "no way to enable ${script##*/} at boot: neither update-rc.d, chkconfig nor rc-update is here"
fi

# control leaves the lock out: the agent would hold it as long as it runs.
control() {
	if [ $init = systemd ]; then systemctl "$1" "$service"; else "$script" "$1" 9>&-; fi
}

# lines prints what the agent said last, for the error.
lines() {
	if [ $init = systemd ]; then
		journalctl --no-pager -o cat -n 12 -u "$service" >&2 || true
	else
		grep -h havip-agent "$root"/var/log/daemon.log "$root"/var/log/syslog "$root"/var/log/messages 2>/dev/null | tail -n 12 >&2 || true
	fi
}

# A binary that was replaced goes on running until the agent is restarted.
pid=$(main_pid || true)
case $([ -n "$pid" ] && readlink "$root/proc/$pid/exe" 2>/dev/null) in
*' (deleted)') restart=yes ;;
esac

if ! running; then
	[ $init = systemd ] && systemctl reset-failed "$service" 2>/dev/null || true
	control start || { lines; die "the agent did not start"; }
elif [ "$restart" = yes ]; then
	control restart || { lines; die "the agent did not start again"; }
elif ! status 2>/dev/null | grep -q "\"$want\""; then
	control reload || { lines; die "the agent could not be reloaded"; }
fi

# Started is not yet running with this very configuration.
tries=0
until running && status 2>/dev/null | grep -q "\"$want\""; do
	tries=$((tries + 1))
	if [ $tries -ge 50 ]; then
		lines
		running || die "the agent does not stay up"
		die "the agent runs, but not with the new configuration"
	fi
	sleep 0.2 2>/dev/null || sleep 1
done
rm -f "$pending"
