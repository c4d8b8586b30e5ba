package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/havip/havip/agent/bundle"
	"github.com/havip/havip/provision/remote"
	"github.com/havip/havip/templates"
)

// host is a server in a folder: the scripts run for real under a shell, with
// stand-ins for the commands that would change the machine. What they are
// asked is in the file "log".
type host struct {
	t     *testing.T
	root  string
	bin   string
	shell string
	tools string // folders of the system's commands
	runs  atomic.Int32
}

// The stand-ins. systemd is a folder of files: loaded, enabled and running.
var standIns = map[string]string{
	"systemctl": `
verb=$1; shift
for unit; do :; done
echo "systemctl $verb $unit" >>"$HOST/log"
s=$HOST/state
case $verb in
daemon-reload) ;;
is-active) [ -e "$s/running" ] ;;
is-enabled) [ -e "$s/enabled" ] ;;
enable) : >"$s/enabled" ;;
disable) rm -f "$s/enabled" ;;
start|restart)
	[ -e "$s/broken" ] && exit 1
	: >"$s/running"; cp "$HOST/etc/havip/bastion.yaml" "$s/inforce" ;;
reload) [ -e "$s/deaf" ] || cp "$HOST/etc/havip/bastion.yaml" "$s/inforce" ;;
stop) rm -f "$s/running" ;;
show) case $* in *MainPID*) echo MainPID=0 ;; *) echo NeedDaemonReload=no ;; esac ;;
esac`,
	"id": `
case $1 in -u) echo "${FAKE_UID:-0}" ;; *) grep -q "^$1:" "$HOST/etc/passwd" ;; esac`,
	"sudo":       `[ -e "$HOST/state/nosudo" ] && { echo "sudo: a password is required" >&2; exit 1; }; shift; unset FAKE_UID; exec "$@"`,
	"useradd":    `for u; do :; done; echo "$u:x:999:999:made by havip:/nonexistent:/bin/false" >>"$HOST/etc/passwd"`,
	"userdel":    `sed -i "/^$1:/d" "$HOST/etc/passwd"`,
	"groupadd":   `for u; do :; done; echo "$u:x:999:" >>"$HOST/etc/group"`,
	"groupdel":   `sed -i "/^$1:/d" "$HOST/etc/group"`,
	"chgrp":      `:`,
	"journalctl": `echo "level=ERROR msg=\"no NIC\""`,
	"restorecon": `echo "restorecon $*" >>"$HOST/log"`,
	"ip":         `cat "$HOST/ip-addr" 2>/dev/null`,
	"uname":      `echo x86_64`,
	"sleep":      `:`,
}

// agentText is an agent that knows what the scripts ask it.
const agentText = `#!/bin/sh
case $1 in
version) echo "havip-agent 0.3.0 (go1.26, linux/amd64)" ;;
validate) grep -q '^group:' "$3" && grep -q 'vrid: 51' "$3" || { echo "error: routers: is missing" >&2; exit 2; } ;;
status) [ -e "$HOST/state/running" ] || exit 1
	echo "{\"version\":1,\"agent\":\"0.3.0\",\"config_sha256\":\"$(sha256sum "$HOST/state/inforce" | cut -d ' ' -f 1)\"}" ;;
switchover) [ "$3" = bastion ] && echo switchover >>"$HOST/log" ;;
esac
`

func newHost(t *testing.T, shell string) *host {
	t.Helper()
	h := &host{t: t, root: t.TempDir(), bin: t.TempDir(), tools: defaultPath, shell: shell}
	for name, text := range standIns {
		h.standIn(name, text)
	}
	h.write("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
	h.write("etc/group", "root:x:0:\n")
	h.write("etc/os-release", "NAME=Debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n")
	h.write("run/systemd/system/.keep", "")
	h.write("state/.keep", "")
	return h
}

func (h *host) standIn(name, text string) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.bin, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) path(name string) string { return filepath.Join(h.root, name) }

func (h *host) write(name, text string) {
	h.t.Helper()
	if err := os.MkdirAll(filepath.Dir(h.path(name)), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(h.path(name), []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) read(name string) string {
	h.t.Helper()
	data, err := os.ReadFile(h.path(name))
	if err != nil && !os.IsNotExist(err) {
		h.t.Fatal(err)
	}
	return string(data)
}

func (h *host) exists(name string) bool {
	_, err := os.Lstat(h.path(name))
	return err == nil
}

// log gives what systemd was asked to change since the last call.
func (h *host) log() []string {
	h.t.Helper()
	var out []string
	for line := range strings.Lines(h.read("log")) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "systemctl is-"), strings.HasPrefix(line, "systemctl show"), strings.HasPrefix(line, "restorecon"):
		default:
			out = append(out, line)
		}
	}
	if err := os.RemoveAll(h.path("log")); err != nil {
		h.t.Fatal(err)
	}
	return out
}

// Run implements remote.Runner, as sshd does it: through a login shell.
func (h *host) Run(ctx context.Context, command string, stdin io.Reader) ([]byte, error) {
	h.runs.Add(1)
	words := strings.Fields(h.shell)
	cmd := exec.CommandContext(ctx, words[0], append(words[1:], "-c", command)...)
	cmd.Env = append(os.Environ(), "HOST="+h.root, "PATH="+h.bin+":"+os.Getenv("PATH"))
	if h.exists("state/user") {
		cmd.Env = append(cmd.Env, "FAKE_UID=1000")
	}
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = stdin, &stderr
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return out, &remote.ExitError{Command: command, Code: exit.ExitCode(), Stderr: stderr.String()}
	}
	return out, err
}

func (h *host) place() place {
	return place{root: h.root, path: h.bin + ":" + h.tools}
}

// server is the one under test, with a release of this agent.
func (h *host) server(agent string) *Server {
	h.t.Helper()
	packed, err := bundle.Compress([]byte(agent))
	if err != nil {
		h.t.Fatal(err)
	}
	return &Server{
		runner: h, place: h.place(), layout: templates.DefaultLayout(),
		release: bundle.Release{Version: "0.3.0", Binaries: map[string]bundle.Binary{"amd64": {
			SHA256: bundle.Sum([]byte(agent)),
			Open:   func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed)), nil },
		}}},
	}
}

// eachShell runs a test under every shell that a server may have.
func eachShell(t *testing.T, test func(t *testing.T, shell string)) {
	t.Helper()
	for _, shell := range []string{"sh", "dash", "bash", "busybox sh"} {
		if _, err := exec.LookPath(strings.Fields(shell)[0]); err != nil {
			continue // not on this machine; sh always is
		}
		t.Run(fmt.Sprintf("under %s", shell), func(t *testing.T) { test(t, shell) })
	}
}
