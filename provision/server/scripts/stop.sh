# Stops the group's agent, which hands the address over. None is none to stop.
set -e
exclusive
if [ $init = systemd ]; then
	if [ -e "$unit" ]; then systemctl stop "$service"; fi
elif [ -x "$script" ]; then
	"$script" stop
fi
