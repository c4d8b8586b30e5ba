package remote

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// patience is far more than anything here takes.
const patience = 30 * time.Second

// sshd is an SSH server within the test: it runs "commands" as a Go function
// and forwards direct-tcpip channels, as a jump host does.
type sshd struct {
	t       *testing.T
	addr    string
	host    ssh.Signer
	allowed []ssh.PublicKey
	authCA  ssh.PublicKey
	dials   atomic.Int32 // connections accepted
	hang    chan struct{}

	mu    sync.Mutex
	conns []net.Conn
}

func newKey(t *testing.T) ssh.Signer {
	t.Helper()
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// startSSHD serves on loopback until the test ends.
func startSSHD(t *testing.T, host ssh.Signer, allowed ...ssh.PublicKey) *sshd {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sshd{t: t, addr: l.Addr().String(), host: host, allowed: allowed, hang: make(chan struct{})}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.dials.Add(1)
			s.mu.Lock()
			s.conns = append(s.conns, c)
			s.mu.Unlock()
			serving.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		close(s.hang)
		s.drop()
		serving.Wait()
	})
	return s
}

// drop cuts all connections.
func (s *sshd) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.Close()
	}
	s.conns = nil
}

func (s *sshd) port() string {
	_, port, _ := net.SplitHostPort(s.addr)
	return port
}

func (s *sshd) serve(c net.Conn) {
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
	config := &ssh.ServerConfig{PublicKeyCallback: checker.Authenticate}
	config.AddHostKey(s.host)
	conn, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		c.Close()
		return
	}
	defer conn.Close()
	go ssh.DiscardRequests(requests)
	for ch := range channels {
		switch ch.ChannelType() {
		case "session":
			go s.session(ch, conn.User())
		case "direct-tcpip":
			go s.forward(ch)
		default:
			ch.Reject(ssh.UnknownChannelType, "")
		}
	}
}

func (s *sshd) forward(nc ssh.NewChannel) {
	var to struct {
		Host     string
		Port     uint32
		From     string
		FromPort uint32
	}
	if err := ssh.Unmarshal(nc.ExtraData(), &to); err != nil {
		nc.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	out, err := net.Dial("tcp", net.JoinHostPort(to.Host, fmt.Sprint(to.Port)))
	if err != nil {
		nc.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	ch, reqs, err := nc.Accept()
	if err != nil {
		out.Close()
		return
	}
	go ssh.DiscardRequests(reqs)
	go func() {
		io.Copy(ch, out)
		ch.Close()
	}()
	io.Copy(out, ch)
	out.Close()
}

// session answers: "user" prints the user, "cat" echoes stdin, "fail" ends
// with code 3, "hang" never ends.
func (s *sshd) session(nc ssh.NewChannel, user string) {
	ch, reqs, err := nc.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	for r := range reqs {
		if r.Type != "exec" {
			r.Reply(false, nil)
			continue
		}
		r.Reply(true, nil)
		var cmd struct{ Line string }
		if err := ssh.Unmarshal(r.Payload, &cmd); err != nil {
			return
		}
		code := 0
		switch cmd.Line {
		case "user":
			fmt.Fprint(ch, user)
		case "cat":
			io.Copy(ch, ch)
		case "fail":
			fmt.Fprint(ch.Stderr(), "first\nno space left on device\n")
			code = 3
		case "hang":
			<-s.hang
			return
		}
		ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{uint32(code)}))
		return
	}
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
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	var block *pem.Block
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(priv, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(priv, "", []byte(passphrase))
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.write(name, string(pem.EncodeToMemory(block)))
	s, err := ssh.NewSignerFromKey(priv)
	if err != nil {
		h.t.Fatal(err)
	}
	return s.PublicKey()
}

// known writes known_hosts so that these servers are trusted.
func (h *home) known(servers ...*sshd) {
	h.t.Helper()
	var b strings.Builder
	for _, s := range servers {
		b.WriteString("[127.0.0.1]:" + s.port() + " " + string(ssh.MarshalAuthorizedKey(s.host.PublicKey())))
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

func (s *sshd) target() Target {
	var port int
	fmt.Sscan(s.port(), &port)
	return Target{Addresses: []string{"127.0.0.1"}, Port: port, User: "debian"}
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
