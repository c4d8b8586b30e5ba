package remote

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/havip/havip/provision/remote/sshtest"
)

// startAgent serves an ssh-agent with one key and returns its socket.
func startAgent(t *testing.T) (socket string, key ssh.PublicKey) {
	t.Helper()
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: priv}); err != nil {
		t.Fatal(err)
	}
	socket = filepath.Join(t.TempDir(), "agent.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				agent.ServeAgent(ring, c)
				c.Close()
			})
		}
	})
	// The dialer's own clean-up, which comes first, ends the connections.
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	s, err := ssh.NewSignerFromKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	return socket, s.PublicKey()
}

func TestKeyOfTheAgentOpensTheServer(t *testing.T) {
	socket, key := startAgent(t)
	h := newHome(t)
	h.env["SSH_AUTH_SOCK"] = socket
	s := startSSHD(t, sshtest.NewKey(t), key)
	h.known(s)
	dial(t, h.dialer(Options{}), s.target())
}

func TestIdentityAgentOfTheConfigurationCountsBeforeTheEnvironment(t *testing.T) {
	socket, key := startAgent(t)
	h := newHome(t)
	h.env["SSH_AUTH_SOCK"] = "/nonexistent"
	h.config.WriteString("IdentityAgent " + socket + "\n")
	s := startSSHD(t, sshtest.NewKey(t), key)
	h.known(s)
	dial(t, h.dialer(Options{}), s.target())
}

func TestIdentitiesOnlyHidesTheOtherKeysOfTheAgent(t *testing.T) {
	socket, key := startAgent(t)
	h := newHome(t)
	h.env["SSH_AUTH_SOCK"] = socket
	h.config.WriteString("IdentitiesOnly yes\n")
	s := startSSHD(t, sshtest.NewKey(t), key)
	h.known(s)
	err := dialError(t, h.dialer(Options{}), s.target())
	if auth, ok := errors.AsType[*AuthError](err); !ok || len(auth.Tried) != 0 {
		t.Errorf("error %v, want that no key was tried", err)
	}
	// The public key in a file names it.
	h.write("id.pub", string(ssh.MarshalAuthorizedKey(key)))
	dial(t, h.dialer(Options{}), s.target())
}

func TestRefusedKeysAreListed(t *testing.T) {
	h := newHome(t)
	key := h.newIdentity("id", "")
	s := startSSHD(t, sshtest.NewKey(t), sshtest.NewKey(t).PublicKey())
	h.known(s)
	err := dialError(t, h.dialer(Options{}), s.target())
	auth, ok := errors.AsType[*AuthError](err)
	if !ok {
		t.Fatalf("error %v, want an AuthError", err)
	}
	if auth.User != "debian" || len(auth.Tried) != 1 || !strings.Contains(auth.Tried[0], ssh.FingerprintSHA256(key)) {
		t.Errorf("it says %v", auth)
	}
}

func TestIdentityNamedByFlagIsTriedFirst(t *testing.T) {
	h := newHome(t)
	h.newIdentity("id", "")
	key := h.newIdentity("named", "")
	s := startSSHD(t, sshtest.NewKey(t), key)
	h.known(s)
	dial(t, h.dialer(Options{Identity: h.path("named")}), s.target())
	s.allowed = nil
	err := dialError(t, h.dialer(Options{Identity: h.path("named")}), s.target())
	auth, ok := errors.AsType[*AuthError](err)
	if !ok || len(auth.Tried) != 2 || !strings.Contains(auth.Tried[0], ssh.FingerprintSHA256(key)) {
		t.Errorf("error %v, want the named key first of two", err)
	}
}

func TestIdentityNamedByFlagMustBeThere(t *testing.T) {
	h := newHome(t)
	s := startSSHD(t, sshtest.NewKey(t), h.newIdentity("id", ""))
	h.known(s)
	err := dialError(t, h.dialer(Options{Identity: h.path("none")}), s.target())
	if !strings.Contains(err.Error(), "no such file") {
		t.Errorf("error %v", err)
	}
}

func TestPassphraseIsAskedForOnceAndOnlyWhenTheKeyIsWanted(t *testing.T) {
	h := newHome(t)
	unwanted := h.newIdentity("other", "secret")
	key := h.newIdentity("id", "secret")
	h.config.WriteString("IdentityFile " + h.path("other") + "\n")
	servers := []*sshd{startSSHD(t, sshtest.NewKey(t), key), startSSHD(t, sshtest.NewKey(t), key), startSSHD(t, sshtest.NewKey(t), key)}
	h.known(servers...)
	var asked atomic.Int32
	d := h.dialer(Options{Prompt: func(_ context.Context, text string) (string, error) {
		asked.Add(1)
		if !strings.Contains(text, h.path("id")) {
			t.Errorf("asked %q, but %s is not wanted", text, ssh.FingerprintSHA256(unwanted))
		}
		return "secret", nil
	}})
	var wg sync.WaitGroup
	for _, s := range servers {
		wg.Go(func() {
			c, err := d.Dial(testContext(t), s.target())
			if err != nil {
				t.Errorf("dial: %v", err)
				return
			}
			c.Close()
		})
	}
	wg.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
}

func TestPassphraseMayTakeLongerThanAHandshake(t *testing.T) {
	h := newHome(t)
	s := startSSHD(t, sshtest.NewKey(t), h.newIdentity("id", "secret"))
	h.known(s)
	const limit = 200 * time.Millisecond
	d := h.dialer(Options{HopTimeout: limit, Prompt: func(context.Context, string) (string, error) {
		<-time.After(2 * limit)
		return "secret", nil
	}})
	dial(t, d, s.target())
}

func TestWrongPassphraseIsNotShown(t *testing.T) {
	h := newHome(t)
	s := startSSHD(t, sshtest.NewKey(t), h.newIdentity("id", "secret"))
	h.known(s)
	d := h.dialer(Options{Prompt: func(context.Context, string) (string, error) { return "wr0ng", nil }})
	err := dialError(t, d, s.target())
	p, ok := errors.AsType[*PassphraseError](err)
	if !ok || strings.Contains(err.Error(), "wr0ng") || !strings.Contains(p.Hint(), "ssh-add") {
		t.Errorf("error %v", err)
	}
}

func TestLockedKeyWithoutATerminalIsSkippedWithTheReason(t *testing.T) {
	h := newHome(t)
	s := startSSHD(t, sshtest.NewKey(t), h.newIdentity("id", "secret"))
	h.known(s)
	err := dialError(t, h.dialer(Options{}), s.target())
	auth, ok := errors.AsType[*AuthError](err)
	if !ok || len(auth.Skipped) != 1 || !strings.Contains(auth.Skipped[0], "no terminal") {
		t.Errorf("error %v", err)
	}
}

func TestCertificateBesideTheKeyIsShown(t *testing.T) {
	h := newHome(t)
	ca := sshtest.NewKey(t)
	cert := &ssh.Certificate{
		Key: h.newIdentity("id", ""), CertType: ssh.UserCert, KeyId: "ops", ValidPrincipals: []string{"debian"},
		ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
	}
	if err := cert.SignCert(rand.Reader, ca); err != nil {
		t.Fatal(err)
	}
	h.write("id-cert.pub", string(ssh.MarshalAuthorizedKey(cert)))
	s := startSSHD(t, sshtest.NewKey(t))
	s.authCA = ca.PublicKey()
	h.known(s)
	dial(t, h.dialer(Options{}), s.target())
}
