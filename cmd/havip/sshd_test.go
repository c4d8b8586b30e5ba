package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/provision/remote/sshtest"
)

// host stands in for a member's server as SSH reaches it: it lets one key in
// and answers the script that looks at a server with facts of the test's
// choice. It runs nothing.
type host struct {
	*sshtest.Server
	key ssh.Signer

	mu      sync.Mutex
	allowed ssh.PublicKey
	facts   [][]string  // as provision/server/scripts/inspect.sh prints them
	refusal string      // said instead of running a command, as a restricted login does
	status  *api.Status // of the group's agent; nil: none answers
	early   int         // so many logins are refused before it is up
}

// startHost serves on loopback until the test ends.
func startHost(t *testing.T, allowed ssh.PublicKey) *host {
	t.Helper()
	h := &host{key: sshtest.NewKey(t), allowed: allowed}
	h.Server = sshtest.Start(t, sshtest.Behaviour{Key: h.key, Admit: h.admit, Run: h.run})
	return h
}

func (h *host) admit(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.early > 0 {
		h.early--
		return nil, errors.New("System is booting up") // as pam_nologin says
	}
	if h.allowed == nil || !bytes.Equal(h.allowed.Marshal(), key.Marshal()) {
		return nil, errors.New("not an authorized key")
	}
	return nil, nil
}

// run answers a command. What is no question is refused: nothing that havip
// refuses to do may get so far.
func (h *host) run(_, command string, ch ssh.Channel) uint32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.refusal != "":
		fmt.Fprintln(ch.Stderr(), h.refusal)
		return 1
	case strings.Contains(command, "fact havip 1"):
		for _, f := range h.facts {
			fmt.Fprintln(ch, strings.Join(f, "\t"))
		}
		return 0
	case strings.HasPrefix(command, "cat /sys/class/net/*/address"):
		for _, f := range h.facts {
			if f[0] == "nic" {
				fmt.Fprintln(ch, f[2])
			}
		}
		return 0
	case strings.Contains(command, "\nstatus\n") && h.status == nil:
		fmt.Fprintln(ch.Stderr(), "error: ask for the status: no agent is running there (/run/havip/bastion/control.sock)")
		fmt.Fprintln(ch.Stderr(), "hint: systemctl status 'havip-agent@*', journalctl -u 'havip-agent@*'")
		return 1
	case strings.Contains(command, "\nstatus\n"):
		if err := json.NewEncoder(ch).Encode(h.status); err != nil {
			return 1
		}
		return 0
	}
	fmt.Fprintln(ch.Stderr(), "havip changes a server")
	return 1
}

// close makes it a server that nothing listens on. Its port stays taken, so
// that no other test's server gets it.
func (h *host) close(t *testing.T) {
	t.Helper()
	h.Close()
	keepPort(t, h.Addr.Port)
}

// says makes a fact another one, or adds it.
func (h *host) says(fact ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := slices.IndexFunc(h.facts, func(f []string) bool { return f[0] == fact[0] }); i >= 0 {
		h.facts[i] = fact
		return
	}
	h.facts = append(h.facts, fact)
}

// adds adds a fact of a kind that there may be several of.
func (h *host) adds(fact ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.facts = append(h.facts, fact)
}

// lets sets whose key is let in; nil lets nobody in.
func (h *host) lets(key ssh.PublicKey) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.allowed = key
}

// boots has it let in nobody before so many logins.
func (h *host) boots(logins int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.early = logins
}

// refuses makes every command end with code 1 and this text.
func (h *host) refuses(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refusal = text
}

// knownHost is its line for a known_hosts file, with a key that need not be its own.
func (h *host) knownHost(key ssh.PublicKey) string {
	return fmt.Sprintf("[127.0.0.1]:%d %s", h.Addr.Port, ssh.MarshalAuthorizedKey(key))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
