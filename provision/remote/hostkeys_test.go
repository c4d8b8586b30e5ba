package remote

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"

	"github.com/havip/havip/provision/remote/sshtest"
	"github.com/havip/havip/provision/spec"
)

// keyProblem is the HostKeyError in err.
func keyProblem(t *testing.T, err error) *HostKeyError {
	t.Helper()
	e, ok := errors.AsType[*HostKeyError](err)
	if !ok {
		t.Fatalf("error %v, want a HostKeyError", err)
	}
	if e.Hint() == "" {
		t.Error("it has no hint")
	}
	return e
}

func TestUnknownHostKeyIsRefusedAndItsFingerprintShown(t *testing.T) {
	h := newHome(t)
	s := startSSHD(t, sshtest.NewKey(t), h.newIdentity("id", ""))
	err := dialError(t, h.dialer(Options{}), s.target())
	e := keyProblem(t, err)
	if e.Problem != KeyUnknown || !strings.Contains(err.Error(), ssh.FingerprintSHA256(s.host.PublicKey())) {
		t.Errorf("error %v", err)
	}
	if got := h.read("known_hosts"); got != "" {
		t.Errorf("known_hosts was written: %q", got)
	}
}

func TestChangedHostKeyIsRefusedUnderEveryPolicy(t *testing.T) {
	for _, policy := range []spec.HostKeys{spec.KnownHosts, spec.Console, spec.AcceptNew} {
		t.Run(string(policy), func(t *testing.T) {
			h := newHome(t)
			s := startSSHD(t, sshtest.NewKey(t), h.newIdentity("id", ""))
			h.write("known_hosts", s.knownHost(sshtest.NewKey(t).PublicKey()))
			before := h.read("known_hosts")
			target := s.target()
			target.ConsoleKeys = func(context.Context) ([]ssh.PublicKey, error) {
				return []ssh.PublicKey{s.host.PublicKey()}, nil
			}
			e := keyProblem(t, dialError(t, h.dialer(Options{HostKeys: policy}), target))
			if e.Problem != KeyChanged || e.Where != h.path("known_hosts")+":1" {
				t.Errorf("%s in %s, want it changed", e.Problem, e.Where)
			}
			if got := h.read("known_hosts"); got != before {
				t.Errorf("known_hosts was changed: %q", got)
			}
		})
	}
}

func TestRevokedHostKeyIsRefused(t *testing.T) {
	h := newHome(t)
	s := startSSHD(t, sshtest.NewKey(t), h.newIdentity("id", ""))
	h.write("known_hosts", "@revoked * "+string(ssh.MarshalAuthorizedKey(s.host.PublicKey())))
	if e := keyProblem(t, dialError(t, h.dialer(Options{HostKeys: spec.AcceptNew}), s.target())); e.Problem != KeyRevoked {
		t.Errorf("it is %s, want revoked", e.Problem)
	}
}

// certified is a host key with a certificate for 127.0.0.1 that is good for an
// hour, but for what change makes of it.
func certified(t *testing.T, ca, key ssh.Signer, change func(*ssh.Certificate)) ssh.Signer {
	t.Helper()
	cert := &ssh.Certificate{
		Key: key.PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{"127.0.0.1"},
		ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
	}
	change(cert)
	if err := cert.SignCert(rand.Reader, ca); err != nil {
		t.Fatal(err)
	}
	host, err := ssh.NewCertSigner(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return host
}

func authority(key ssh.PublicKey) string {
	return "@cert-authority 127.0.0.* " + string(ssh.MarshalAuthorizedKey(key))
}

func TestHostCertificateOfAKnownAuthorityIsTrusted(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaCA, err := ssh.NewSignerFromKey(rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, ca := range map[string]ssh.Signer{"of the key's type": sshtest.NewKey(t), "of another type": rsaCA} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			s := startSSHD(t, certified(t, ca, sshtest.NewKey(t), func(*ssh.Certificate) {}), h.newIdentity("id", ""))
			h.write("known_hosts", authority(ca.PublicKey()))
			dial(t, h.dialer(Options{}), s.target())
		})
	}
}

func TestHostCertificateThatIsNotValidIsRefusedUnderEveryPolicy(t *testing.T) {
	ca, key := sshtest.NewKey(t), sshtest.NewKey(t)
	none := func(*ssh.Certificate) {}
	revoked := func(k ssh.Signer) string { return "@revoked * " + string(ssh.MarshalAuthorizedKey(k.PublicKey())) }
	tests := []struct {
		name    string
		change  func(*ssh.Certificate)
		lines   string
		problem KeyProblem
	}{
		{"out of date", func(c *ssh.Certificate) { c.ValidBefore = uint64(time.Now().Add(-time.Hour).Unix()) }, "", KeyInvalid},
		{"of another host", func(c *ssh.Certificate) { c.ValidPrincipals = []string{"other.example"} }, "", KeyInvalid},
		{"of a user", func(c *ssh.Certificate) { c.CertType = ssh.UserCert }, "", KeyInvalid},
		{"of a key that is revoked", none, revoked(key), KeyRevoked},
		{"of an authority that is revoked", none, revoked(ca), KeyRevoked},
	}
	for _, tt := range tests {
		for _, policy := range []spec.HostKeys{spec.KnownHosts, spec.Console, spec.AcceptNew} {
			t.Run(tt.name+", "+string(policy), func(t *testing.T) {
				h := newHome(t)
				s := startSSHD(t, certified(t, ca, key, tt.change), h.newIdentity("id", ""))
				lines := authority(ca.PublicKey()) + tt.lines
				h.write("known_hosts", lines)
				target := s.target()
				target.ConsoleKeys = func(context.Context) ([]ssh.PublicKey, error) {
					return []ssh.PublicKey{key.PublicKey()}, nil
				}
				err := dialError(t, h.dialer(Options{HostKeys: policy}), target)
				if e := keyProblem(t, err); e.Problem != tt.problem || e.Problem == KeyRevoked && e.Where != h.path("known_hosts")+":2" {
					t.Errorf("error %v in %s, want it %s", err, e.Where, tt.problem)
				}
				if got := h.read("known_hosts"); got != lines {
					t.Errorf("known_hosts was changed: %q", got)
				}
			})
		}
	}
}

func TestHostCertificateOfAnUnknownAuthorityIsNoMoreThanItsKey(t *testing.T) {
	known, other, key := sshtest.NewKey(t), sshtest.NewKey(t), sshtest.NewKey(t)
	signed := certified(t, other, key, func(*ssh.Certificate) {})
	for name, host := range map[string]ssh.Signer{"certificate": signed, "plain key": key} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			s := startSSHD(t, host, h.newIdentity("id", ""))
			lines := "@cert-authority " + s.knownHost(known.PublicKey())
			h.write("known_hosts", lines)
			if e := keyProblem(t, dialError(t, h.dialer(Options{}), s.target())); e.Problem != KeyUnknown ||
				e.Type != ssh.KeyAlgoED25519 || e.Fingerprint != ssh.FingerprintSHA256(key.PublicKey()) {
				t.Errorf("%s %s %s, want the plain key unknown", e.Problem, e.Type, e.Fingerprint)
			}
			dial(t, h.dialer(Options{HostKeys: spec.AcceptNew}), s.target())
			if got, want := h.read("known_hosts"), lines+s.knownHost(key.PublicKey()); got != want {
				t.Errorf("known_hosts is %q, want %q", got, want)
			}
			dial(t, h.dialer(Options{}), s.target())

			h.write("known_hosts", lines+s.knownHost(sshtest.NewKey(t).PublicKey()))
			e := keyProblem(t, dialError(t, h.dialer(Options{HostKeys: spec.AcceptNew}), s.target()))
			if e.Problem != KeyChanged || e.Where != h.path("known_hosts")+":2" {
				t.Errorf("%s in %s, want it changed", e.Problem, e.Where)
			}
			h.write("known_hosts", lines+"@revoked * "+string(ssh.MarshalAuthorizedKey(key.PublicKey())))
			if e := keyProblem(t, dialError(t, h.dialer(Options{HostKeys: spec.AcceptNew}), s.target())); e.Problem != KeyRevoked {
				t.Errorf("it is %s, want revoked", e.Problem)
			}
		})
	}
}

func TestHashedAndAliasedNamesAreFound(t *testing.T) {
	h := newHome(t)
	s := startSSHD(t, sshtest.NewKey(t), h.newIdentity("id", ""))
	line := " " + string(ssh.MarshalAuthorizedKey(s.host.PublicKey()))
	h.write("known_hosts", xknownhosts.HashHostname(xknownhosts.Normalize(s.addr))+line)
	dial(t, h.dialer(Options{}), s.target())

	h.write("known_hosts", "the-alias"+line)
	h.config.WriteString("HostKeyAlias the-alias\n")
	dial(t, h.dialer(Options{}), s.target())
}

func TestUnreadableLineOfKnownHostsIsPassedOver(t *testing.T) {
	h := newHome(t)
	s := startSSHD(t, sshtest.NewKey(t), h.newIdentity("id", ""))
	h.known(s)
	h.write("known_hosts", "host ssh-future AAAAnonsense\n"+h.read("known_hosts"))
	dial(t, h.dialer(Options{}), s.target())
}

func TestAcceptNewKeepsTheFirstKey(t *testing.T) {
	h := newHome(t)
	key := h.newIdentity("id", "")
	s := startSSHD(t, sshtest.NewKey(t), key)
	h.write("known_hosts", "# no newline at the end")
	dial(t, h.dialer(Options{HostKeys: spec.AcceptNew}), s.target())
	want := "# no newline at the end\n" + s.knownHost(s.host.PublicKey())
	if got := h.read("known_hosts"); got != want {
		t.Errorf("known_hosts is %q, want %q", got, want)
	}
	// From now on the strict policy is content too.
	dial(t, h.dialer(Options{}), s.target())
}

func TestAcceptNewByManyAtOnceWritesEachKeyOnce(t *testing.T) {
	h := newHome(t)
	h.config.WriteString("HashKnownHosts yes\n")
	key := h.newIdentity("id", "")
	servers := []*sshd{startSSHD(t, sshtest.NewKey(t), key), startSSHD(t, sshtest.NewKey(t), key)}
	// Two dialers are two runs: only the file is between them.
	dialers := []*Dialer{h.dialer(Options{HostKeys: spec.AcceptNew}), h.dialer(Options{HostKeys: spec.AcceptNew})}
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			c, err := dialers[i%2].Dial(testContext(t), servers[i/2%2].target())
			if err != nil {
				t.Errorf("dial: %v", err)
				return
			}
			c.Close()
		})
	}
	wg.Wait()
	text := h.read("known_hosts")
	if n := strings.Count(text, "\n"); n != len(servers) {
		t.Errorf("%d lines for %d servers:\n%s", n, len(servers), text)
	}
	if strings.Contains(text, "127.0.0.1") {
		t.Errorf("the names are not hashed:\n%s", text)
	}
}

func TestConsoleKeysAreTrustedAndKept(t *testing.T) {
	h := newHome(t)
	s := startSSHD(t, sshtest.NewKey(t), h.newIdentity("id", ""))
	other := sshtest.NewKey(t).PublicKey()
	target := s.target()
	reads := 0
	target.ConsoleKeys = func(context.Context) ([]ssh.PublicKey, error) {
		reads++
		return []ssh.PublicKey{other, s.host.PublicKey()}, nil
	}
	dial(t, h.dialer(Options{HostKeys: spec.Console}), target)
	dial(t, h.dialer(Options{HostKeys: spec.Console}), target)
	if reads != 1 {
		t.Errorf("the console was read %d times, want once", reads)
	}
	for _, k := range []ssh.PublicKey{other, s.host.PublicKey()} {
		if !strings.Contains(h.read("known_hosts"), string(ssh.MarshalAuthorizedKey(k))) {
			t.Errorf("%s was not kept", ssh.FingerprintSHA256(k))
		}
	}
}

func TestKeyThatTheConsoleDoesNotShowIsRefused(t *testing.T) {
	fails := errors.New("403")
	tests := []struct {
		name    string
		keys    []ssh.PublicKey
		err     error
		problem KeyProblem
		says    string
	}{
		{"another key", []ssh.PublicKey{sshtest.NewKey(t).PublicKey()}, nil, KeyNotPrinted, "not one that the server printed"},
		{"a log that was cut off", nil, nil, KeyUnknown, "its log is cut off"},
		{"a console that cannot be read", nil, fails, KeyUnknown, "403"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHome(t)
			s := startSSHD(t, sshtest.NewKey(t), h.newIdentity("id", ""))
			target := s.target()
			target.ConsoleKeys = func(context.Context) ([]ssh.PublicKey, error) { return tt.keys, tt.err }
			err := dialError(t, h.dialer(Options{HostKeys: spec.Console}), target)
			if e := keyProblem(t, err); e.Problem != tt.problem || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestConsoleMayTakeLongerThanAHandshake(t *testing.T) {
	h := newHome(t)
	s := startSSHD(t, sshtest.NewKey(t), h.newIdentity("id", ""))
	const limit = 200 * time.Millisecond
	target := s.target()
	target.ConsoleKeys = func(context.Context) ([]ssh.PublicKey, error) {
		<-time.After(2 * limit)
		return []ssh.PublicKey{s.host.PublicKey()}, nil
	}
	dial(t, h.dialer(Options{HostKeys: spec.Console, HopTimeout: limit}), target)
}

func TestJumpHostIsVerifiedToo(t *testing.T) {
	h := newHome(t)
	key := h.newIdentity("id", "")
	jump, s := startSSHD(t, sshtest.NewKey(t), key), startSSHD(t, sshtest.NewKey(t), key)
	h.known(s)
	e := keyProblem(t, dialError(t, h.dialer(Options{Jump: []string{jump.addr}}), s.target()))
	if e.Host != xknownhosts.Normalize(jump.addr) {
		t.Errorf("the key of %s is refused, want that of the jump host", e.Host)
	}
}

func TestParseConsoleKeys(t *testing.T) {
	text, err := os.ReadFile("testdata/console.log")
	if err != nil {
		t.Fatal(err)
	}
	begin := "-----BEGIN SSH HOST KEY KEYS-----\r\n"
	old := begin + string(ssh.MarshalAuthorizedKey(sshtest.NewKey(t).PublicKey())) + "-----END SSH HOST KEY KEYS-----\r\n"
	tests := []struct {
		name string
		text string
		want int
	}{
		{"a real log with colours, prefixes and other programs' lines", string(text), 3},
		{"a rebuilt server: the later block counts", old + string(text), 3},
		{"the end of the block is not there yet", begin + string(ssh.MarshalAuthorizedKey(sshtest.NewKey(t).PublicKey())), 0},
		{"the beginning was cut off", string(ssh.MarshalAuthorizedKey(sshtest.NewKey(t).PublicKey())) + "-----END SSH HOST KEY KEYS-----\n", 0},
		{"an empty block after a full one", old + begin + "-----END SSH HOST KEY KEYS-----\n", 1},
		{"nothing", "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ParseConsoleKeys(tt.text); len(got) != tt.want {
				t.Errorf("%d keys, want %d", len(got), tt.want)
			}
		})
	}
}
