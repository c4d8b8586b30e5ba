package remote

import (
	"os/exec"
	"syscall"
)

// proxyCommand runs command through the shell. A new process group does not
// get Ctrl-C: the way to the server is still needed to undo what was begun.
func proxyCommand(command string) *exec.Cmd {
	cmd := exec.Command("cmd", "/c", command)
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
	return cmd
}
