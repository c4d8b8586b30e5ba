package server

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"github.com/havip/havip/provision/remote"
)

var (
	//go:embed scripts/lib.sh
	libScript string
	//go:embed scripts/inspect.sh
	inspectScript string
	//go:embed scripts/upload.sh
	uploadScript string
	//go:embed scripts/install.sh
	installScript string
	//go:embed scripts/stop.sh
	stopScript string
	//go:embed scripts/remove.sh
	removeScript string
)

// defaultPath has the folders of system commands, which the PATH of a plain
// user often lacks.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// place is where a script works: the server itself, or in a test a folder with
// stand-ins for the system's commands.
type place struct {
	root string
	path string
}

// SudoError is a server on which we are neither root nor become it.
type SudoError struct{ Err error }

func (e *SudoError) Error() string { return "become root: " + e.Err.Error() }

func (e *SudoError) Unwrap() error { return e.Err }

// Hint says what is needed.
func (e *SudoError) Hint() string {
	return "havip needs root, or sudo without a password (cloud images give it to their first user): --ssh-user USER"
}

// noSudo is the code of a script that could not become root.
const noSudo = 113

// command is one shell command that runs script as root: as a variable, since
// a script on stdin would leave no room for data, and one in an argument of
// ssh would be quoted twice. Nothing secret is ever in it.
func (p place) command(script string, vars map[string]string, otherwise string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "root=%s\npath=%s\n", shellescape.Quote(p.root), shellescape.Quote(p.path))
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		fmt.Fprintf(&b, "%s=%s\n", name, shellescape.Quote(vars[name]))
	}
	b.WriteString(libScript)
	b.WriteString(script)
	return "S=" + shellescape.Quote(b.String()) + "\n" +
		`if [ "$(id -u)" = 0 ]; then exec sh -c "$S"; fi` + "\n" +
		`sudo -n true || ` + otherwise + "\n" +
		`exec sudo -n sh -c "$S"`
}

// asRoot runs script, or fails with a SudoError.
func (p place) asRoot(ctx context.Context, r remote.Runner, script string, vars map[string]string, stdin io.Reader) ([]byte, error) {
	out, err := r.Run(ctx, p.command(script, vars, fmt.Sprintf("exit %d", noSudo)), stdin)
	if exit, ok := errors.AsType[*remote.ExitError](err); ok {
		if exit.Code == noSudo {
			return nil, &SudoError{Err: err}
		}
		return nil, &ScriptError{Stderr: strings.TrimSpace(exit.Stderr), Err: err}
	}
	return out, err
}

// ScriptError is a script that failed on the server. What it printed is for
// people: why, and before that the agent's last words.
type ScriptError struct {
	Stderr string
	Err    error
}

func (e *ScriptError) Error() string {
	if e.Stderr == "" {
		return e.Err.Error()
	}
	lines, _ := e.split()
	last := len(lines) - 1
	lines[last] = strings.TrimPrefix(lines[last], "error: ")
	return strings.Join(append(lines[last:], lines[:last]...), "\n")
}

// Hint is what the agent says to do, "" when it was not the agent that failed.
func (e *ScriptError) Hint() string {
	_, hint := e.split()
	if hint == "" {
		return ""
	}
	return "on the server: " + hint
}

// split takes the agent's hint, which it prints last, from what else there is.
func (e *ScriptError) split() (lines []string, hint string) {
	lines = strings.Split(e.Stderr, "\n")
	last := len(lines) - 1
	if hint, ok := strings.CutPrefix(lines[last], "hint: "); ok && last > 0 {
		return lines[:last], hint
	}
	return lines, ""
}

func (e *ScriptError) Unwrap() error { return e.Err }
