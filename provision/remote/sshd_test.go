package remote

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/havip/havip/provision/remote/sshtest"
)

// patience is far more than anything here takes.
const patience = 30 * time.Second

// sshd is an SSH server whose commands are "user", which prints the user,
// "cat", which echoes stdin, "fail", which ends with code 3, and "hang", which
// never ends.
type sshd struct {
	*sshtest.Server
	addr    string
	host    ssh.Signer
	allowed []ssh.PublicKey
	authCA  ssh.PublicKey
	hang    chan struct{}
}

// startSSHD serves on loopback until the test ends.
func startSSHD(t *testing.T, host ssh.Signer, allowed ...ssh.PublicKey) *sshd {
	t.Helper()
	s := &sshd{host: host, allowed: allowed, hang: make(chan struct{})}
	s.Server = sshtest.Start(t, sshtest.Behaviour{Key: host, Admit: s.admit, Run: s.run})
	s.addr = s.Addr.String()
	t.Cleanup(func() { close(s.hang) })
	return s
}

func (s *sshd) admit(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	checker := ssh.CertChecker{
		IsUserAuthority: func(k ssh.PublicKey) bool {
			return s.authCA != nil && bytes.Equal(k.Marshal(), s.authCA.Marshal())
		},
		UserKeyFallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			for _, a := range s.allowed {
				if bytes.Equal(a.Marshal(), key.Marshal()) {
					return nil, nil
				}
			}
			return nil, fmt.Errorf("not allowed")
		},
	}
	return checker.Authenticate(c, key)
}

func (s *sshd) run(user, command string, ch ssh.Channel) uint32 {
	switch command {
	case "user":
		fmt.Fprint(ch, user)
	case "cat":
		io.Copy(ch, ch)
	case "fail":
		fmt.Fprint(ch.Stderr(), "first\nno space left on device\n")
		return 3
	case "hang":
		<-s.hang
	}
	return 0
}

func (s *sshd) target() Target { return targetAt(s.Addr) }

func targetAt(addr net.Addr) Target {
	return Target{Addresses: []string{"127.0.0.1"}, Port: addr.(*net.TCPAddr).Port, User: "debian"}
}

// knownHost is its line for a known_hosts file, with a key that need not be its own.
func (s *sshd) knownHost(key ssh.PublicKey) string {
	return fmt.Sprintf("[127.0.0.1]:%d %s", s.Addr.Port, ssh.MarshalAuthorizedKey(key))
}

// home is a user's ~/.ssh for one test.
type home struct {
	t      *testing.T
	dir    string
	config strings.Builder
	env    map[string]string
}

func newHome(t *testing.T) *home {
	t.Helper()
	h := &home{t: t, dir: t.TempDir(), env: map[string]string{}}
	h.config.WriteString("IdentityFile " + h.path("id") + "\nUserKnownHostsFile " + h.path("known_hosts") +
		"\nGlobalKnownHostsFile " + h.path("none") + "\n")
	return h
}

func (h *home) path(name string) string { return filepath.Join(h.dir, name) }

func (h *home) write(name, text string) string {
	h.t.Helper()
	if err := os.WriteFile(h.path(name), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return h.path(name)
}

func (h *home) read(name string) string {
	h.t.Helper()
	data, err := os.ReadFile(h.path(name))
	if err != nil && !os.IsNotExist(err) {
		h.t.Fatal(err)
	}
	return string(data)
}

// newIdentity makes a private key file and returns the public key.
func (h *home) newIdentity(name, passphrase string) ssh.PublicKey {
	h.t.Helper()
	key, file := sshtest.NewKeyFile(h.t, passphrase)
	h.write(name, string(file))
	return key.PublicKey()
}

// known writes known_hosts so that these servers are trusted.
func (h *home) known(servers ...*sshd) {
	h.t.Helper()
	var b strings.Builder
	for _, s := range servers {
		b.WriteString(s.knownHost(s.host.PublicKey()))
	}
	h.write("known_hosts", b.String())
}

// dialer reads the configuration without OpenSSH, so that the test does not
// depend on what is installed.
func (h *home) dialer(opt Options) *Dialer {
	h.t.Helper()
	if opt.HopTimeout == 0 {
		opt.HopTimeout = patience
	}
	expand := expander{home: h.dir, user: "tester", host: "here", getenv: func(k string) string { return h.env[k] }}
	opt.Config = h.write("config", h.config.String())
	d := newDialer(opt, newSSHConfig(opt.Config, expand), expand)
	h.t.Cleanup(func() {
		if err := d.Close(); err != nil {
			h.t.Errorf("close dialer: %v", err)
		}
	})
	return d
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// dial must succeed.
func dial(t *testing.T, d *Dialer, target Target) *Conn {
	t.Helper()
	c, err := d.Dial(testContext(t), target)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// dialError must fail.
func dialError(t *testing.T, d *Dialer, target Target) error {
	t.Helper()
	c, err := d.Dial(testContext(t), target)
	if err == nil {
		c.Close()
		t.Fatal("dial succeeded")
	}
	return err
}
