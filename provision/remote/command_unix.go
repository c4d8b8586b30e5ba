//go:build unix

package remote

import "os/exec"

// proxyCommand runs command through the shell: with "exec" as ssh does it, so
// that closing reaches the command itself. Ctrl-C goes to every process of the
// terminal's group; the command ignores it, since the way to the server is
// still needed to undo what was begun. A group of its own would keep it away
// as well, but also stop a command that asks for a passphrase on the terminal.
func proxyCommand(command string) *exec.Cmd {
	return exec.Command("/bin/sh", "-c", "trap '' INT\nexec "+command)
}
