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
