# What all scripts share. They run under any POSIX shell (dash, bash, busybox)
# with any user's locale. $group, $root (a prefix for tests, else empty) and
# $path are set before.
PATH=$path
export PATH LC_ALL=C
umask 022

agent=$root/usr/local/bin/havip-agent
confdir=$root/etc/havip
config=$confdir/$group.yaml
# Left while a change is under way: a run that was cut off is seen by the next.
pending=$confdir/.$group.pending
service=havip-agent@$group.service
script=$root/etc/init.d/havip-agent-$group
user=havip
mark='made by havip'

if [ -d "$root/run/systemd/system" ]; then
	init=systemd
	unit=$root/etc/systemd/system/havip-agent@.service
else
	init=sysv
	unit=$script
fi

have() { command -v "$1" >/dev/null 2>&1; }

die() {
	printf '%s\n' "$*" >&2
	exit 1
}

# exclusive waits until no other run changes this server. One that was cut off
# goes on here all the same, and the removal of a group must not take away what
# the installation of another one is about to need. The lock ends with release
# or with the script, and what is half written goes then as well.
lock=$root/run/havip.lock
held=
temp=
exclusive() {
	trap 'rm -f "$temp" "$unit.$$.new"; release' EXIT
	trap 'exit 1' HUP INT TERM
	tries=0
	until take; do
		tries=$((tries + 1))
		[ $tries -lt 60 ] || die "another run of havip is at work on this server and does not end (it holds $lock); try again later"
		sleep 1
	done
	held=yes
}

# take tries once. Whoever opens the file may lock it: nobody but root can.
take() {
	if have flock; then
		umask 077
		exec 9>>"$lock"
		umask 022
		flock -n 9 && [ "$lock" -ef /proc/self/fd/9 ] # else it was removed before we had it
	else # a link is made and filled in one step
		ln -s "pid.$$" "$lock" 2>/dev/null && return 0
		# A run that was killed leaves its lock. Only one at a time takes it
		# away, and after it was seen dead looks whether it is still the same:
		# else it would be the lock of the next one.
		mkdir "$lock.dead" 2>/dev/null || return 1
		pid=$(readlink "$lock") && ! kill -0 "${pid#pid.}" 2>/dev/null && [ "$(readlink "$lock")" = "$pid" ] && rm -f "$lock"
		rmdir "$lock.dead"
		return 1
	fi
}

release() {
	if [ -n "$held" ]; then
		rmdir "$confdir" 2>/dev/null || true # where nothing came of it
		rm -f "$lock"
	fi
	held=
	exec 9>&-
}

sum() { [ -r "$1" ] && sha256sum "$1" | cut -d ' ' -f 1; }

# limited runs a command for at most some seconds, where that can be had.
limited() {
	if have timeout; then timeout "$@"; else
		shift
		"$@"
	fi
}

running() {
	if [ $init = systemd ]; then
		systemctl is-active --quiet "$service"
	else
		[ -x "$script" ] && "$script" status >/dev/null 2>&1
	fi
}

# main_pid prints the process ID of the group's agent.
main_pid() {
	if [ $init = systemd ]; then
		systemctl show -p MainPID "$service" 2>/dev/null | sed 's/^MainPID=//; /^0$/d'
	else
		[ -x "$script" ] && "$script" status 2>/dev/null | sed -n 's/.*pid //p'
	fi
}

status() { limited 5 "$agent" status --json --group "$group"; }
