package track

import (
	"fmt"
	"io"
	"syscall"
)

// Launcher is the first argument of the agent's program when it is to become the
// command of an exec check, whose words follow.
const Launcher = "become"

const (
	commandPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	// cannotStart is the exit code of what has become no command; a shell has the same.
	cannotStart = 127
)

// Launch has this process become a command, with nothing but PATH in its environment.
// It returns when that cannot be done, with an exit code, after it has said why.
//
// Until a child of Go has loaded its program, no Go code runs in the agent (vfork), and
// a command's file may take its server for ever. The agent's own program is loaded at
// once. A shell would do the like, but takes a file that is empty for a script.
func Launch(words []string, stderr io.Writer) (code int) {
	err := syscall.Exec(words[0], words, []string{commandPath})
	fmt.Fprintf(stderr, "%s cannot be started: %v\n", words[0], err)
	return cannotStart
}
