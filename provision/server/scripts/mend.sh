# Undoes the fault that was made here, if one is left.
undo=$root/run/havip-undo-$group
if [ $init = systemd ] && have systemctl; then systemctl stop "havip-undo-$group.timer" 2>/dev/null; fi
if [ -e "$undo.timer" ]; then
	kill -TERM "-$(cat "$undo.timer")" 2>/dev/null # with its sleep
	rm -f "$undo.timer"
fi
if [ -e "$undo" ]; then
	sh "$undo" && echo 'havip: undone'
fi
