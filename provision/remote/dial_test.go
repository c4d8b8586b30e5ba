package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"github.com/havip/havip/provision/remote/sshtest"
)

// proxyTo makes the test binary a ProxyCommand that connects to its value.
const proxyTo = "HAVIP_TEST_PROXY_TO"

func TestMain(m *testing.M) {
	if addr := os.Getenv(proxyTo); addr != "" {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		go io.Copy(conn, os.Stdin)
		io.Copy(os.Stdout, conn)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func TestRunGivesOutputAndTakesInput(t *testing.T) {
	h := newHome(t)
	s := startSSHD(t, sshtest.NewKey(t), h.newIdentity("id", ""))
	h.known(s)
	c := dial(t, h.dialer(Options{}), s.target())
	out, err := c.Run(testContext(t), "cat", strings.NewReader("through and back"))
	if err != nil || string(out) != "through and back" {
		t.Errorf("cat gave %q, %v", out, err)
	}
	if c.Address() != "127.0.0.1" || c.User() != "debian" {
		t.Errorf("reached as %s@%s", c.User(), c.Address())
	}
}

func TestFailedCommandIsAnExitError(t *testing.T) {
	h := newHome(t)
	s := startSSHD(t, sshtest.NewKey(t), h.newIdentity("id", ""))
	h.known(s)
	_, err := dial(t, h.dialer(Options{}), s.target()).Run(testContext(t), "fail", nil)
	got, ok := errors.AsType[*ExitError](err)
	if !ok {
		t.Fatalf("error %v, want an ExitError", err)
	}
	want := &ExitError{Command: "fail", Code: 3, Stderr: "first\nno space left on device\n"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := "the command ended with code 3: no space left on device"; err.Error() != want {
		t.Errorf("it says %q, want %q", err, want)
	}
}

func TestCancelEndsARunningCommand(t *testing.T) {
	h := newHome(t)
	s := startSSHD(t, sshtest.NewKey(t), h.newIdentity("id", ""))
	h.known(s)
	c := dial(t, h.dialer(Options{}), s.target())
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("the user pressed Ctrl-C")
	time.AfterFunc(10*time.Millisecond, func() { cancel(stopped) })
	if _, err := c.Run(ctx, "hang", nil); !errors.Is(err, stopped) {
		t.Errorf("error %v, want the cause of the cancellation", err)
	}
	if out, err := c.Run(testContext(t), "user", nil); err != nil || string(out) != "debian" {
		t.Errorf("the connection is of no more use: %q, %v", out, err)
	}
}

func TestCancelEndsADialToASilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		if c, err := l.Accept(); err == nil {
			accepted <- c
		}
		close(accepted)
	}()
	h := newHome(t)
	d := h.dialer(Options{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := d.Dial(ctx, targetAt(l.Addr()))
		done <- err
	}()
	c := <-accepted
	defer c.Close()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestSilentServerIsGivenUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts, nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	h := newHome(t)
	got := dialError(t, h.dialer(Options{HopTimeout: 50 * time.Millisecond}), targetAt(l.Addr()))
	un, ok := errors.AsType[*UnreachableError](got)
	if !ok || !un.Timeout || un.Address != l.Addr().String() {
		t.Errorf("error %v, want a timeout of %s", got, l.Addr())
	}
}

func TestNextAddressIsTriedWhenOneDoesNotAnswer(t *testing.T) {
	h := newHome(t)
	s := startSSHD(t, sshtest.NewKey(t), h.newIdentity("id", ""))
	h.known(s)
	target := s.target()
	target.Addresses = []string{"127.0.0.2", "127.0.0.1"} // nobody listens on the first
	if c := dial(t, h.dialer(Options{}), target); c.Address() != "127.0.0.1" {
		t.Errorf("reached at %s", c.Address())
	}
}

func TestNameThatTheConfigurationMapsComesBeforeTheAddresses(t *testing.T) {
	h := newHome(t)
	s := startSSHD(t, sshtest.NewKey(t), h.newIdentity("id", ""))
	h.known(s)
	fmt.Fprintf(&h.config, "Host bastion-1\n HostName 127.0.0.1\n User admin\n Port %d\n", s.Addr.Port)
	target := Target{Names: []string{"unmapped", "bastion-1"}, Addresses: []string{"127.0.0.2"}}
	if c := dial(t, h.dialer(Options{}), target); c.User() != "admin" {
		t.Errorf("reached as %s, want admin", c.User())
	}
	target.User = "flag"
	if c := dial(t, h.dialer(Options{User: "group"}), target); c.User() != "flag" {
		t.Errorf("reached as %s, want flag", c.User())
	}
	target.User = ""
	if c := dial(t, h.dialer(Options{User: "group"}), target); c.User() != "group" {
		t.Errorf("reached as %s, want group", c.User())
	}
}

// pickyResolver takes addresses and no names, and keeps what it was asked.
type pickyResolver struct {
	resolver
	asked []string
}

func (r *pickyResolver) resolve(ctx context.Context, q question) (settings, error) {
	if net.ParseIP(q.host) == nil {
		r.asked = append(r.asked, q.host)
		return settings{}, fmt.Errorf("hostname contains invalid characters")
	}
	return r.resolver.resolve(ctx, q)
}

func TestServerNameThatSSHDoesNotTakeLeavesTheAddresses(t *testing.T) {
	h := newHome(t)
	s := startSSHD(t, sshtest.NewKey(t), h.newIdentity("id", ""))
	h.known(s)
	for _, tt := range []struct {
		name  string
		asked []string
	}{
		{"web server 1", nil},
		{"ops@eu", nil},
		{"-oProxyCommand=x", nil},
		{"ssh://eu", nil},
		{"büro", nil},
		{"", nil},
		{"bastion_1.example", []string{"bastion_1.example"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := h.dialer(Options{})
			r := &pickyResolver{resolver: d.conf}
			d.conf = r
			target := s.target()
			target.ServerName = tt.name
			if c := dial(t, d, target); c.Address() != "127.0.0.1" {
				t.Errorf("reached at %s", c.Address())
			}
			if diff := cmp.Diff(tt.asked, r.asked); diff != "" {
				t.Errorf("names that SSH was asked for (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNameThatIsRefusedIsAnErrorWhereItWasMeantOrAllThereIs(t *testing.T) {
	h := newHome(t)
	d := h.dialer(Options{})
	d.conf = &pickyResolver{resolver: d.conf}
	for _, tt := range []struct {
		name   string
		target Target
		want   string
	}{
		{"one of the group file", Target{Names: []string{"b1"}, ServerName: "bastion-1", Addresses: []string{"127.0.0.1"}}, "invalid characters"},
		{"the server's own without addresses", Target{ServerName: "bastion-1"}, "invalid characters"},
		{"one that is not asked for, without addresses", Target{ServerName: "web server 1"}, `"web server 1": it has no address`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := dialError(t, d, tt.target); !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestServerNameComesAfterThoseOfTheGroupFile(t *testing.T) {
	h := newHome(t)
	s := startSSHD(t, sshtest.NewKey(t), h.newIdentity("id", ""))
	h.known(s)
	fmt.Fprintf(&h.config, "Host b1\n HostName 127.0.0.1\n User file\n Port %[1]d\nHost bastion-1\n HostName 127.0.0.1\n User own\n Port %[1]d\n", s.Addr.Port)
	for _, tt := range []struct{ name, want string }{{"b1", "file"}, {"unmapped", "own"}} {
		c := dial(t, h.dialer(Options{}), Target{Names: []string{tt.name}, ServerName: "bastion-1", Addresses: []string{"127.0.0.2"}})
		if c.User() != tt.want {
			t.Errorf("with %s of the file reached as %s, want %s", tt.name, c.User(), tt.want)
		}
	}
}

func TestConnectionThatEndedIsNoLongerAlive(t *testing.T) {
	h := newHome(t)
	s := startSSHD(t, sshtest.NewKey(t), h.newIdentity("id", ""))
	h.known(s)
	c := dial(t, h.dialer(Options{}), s.target())
	if !c.Alive() {
		t.Fatal("a new connection is not alive")
	}
	s.Cut()
	<-c.gone
	if c.Alive() {
		t.Error("alive after its end")
	}
}

func TestServersBehindTwoJumpHostsShareTheConnectionsToThem(t *testing.T) {
	h := newHome(t)
	key := h.newIdentity("id", "")
	outer, inner := startSSHD(t, sshtest.NewKey(t), key), startSSHD(t, sshtest.NewKey(t), key)
	servers := []*sshd{startSSHD(t, sshtest.NewKey(t), key), startSSHD(t, sshtest.NewKey(t), key), startSSHD(t, sshtest.NewKey(t), key)}
	h.known(append(servers, outer, inner)...)
	d := h.dialer(Options{Jump: []string{"ops@" + outer.addr, "ops@" + inner.addr}})
	var wg sync.WaitGroup
	for _, s := range servers {
		wg.Go(func() {
			c, err := d.Dial(testContext(t), s.target())
			if err != nil {
				t.Errorf("dial: %v", err)
				return
			}
			defer c.Close()
			if out, err := c.Run(testContext(t), "user", nil); err != nil || string(out) != "debian" {
				t.Errorf("run: %q, %v", out, err)
			}
		})
	}
	wg.Wait()
	if o, i := outer.Dials(), inner.Dials(); o != 1 || i != 1 {
		t.Errorf("%d and %d connections to the jump hosts, want 1 and 1", o, i)
	}
	// One that broke is made anew.
	outer.Cut()
	deadline := time.Now().Add(patience)
	for {
		c, err := d.Dial(testContext(t), servers[0].target())
		if err == nil {
			c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("dial after the jump host broke: %v", err)
		}
	}
}

func TestProxyJumpOfTheConfigurationIsFollowed(t *testing.T) {
	h := newHome(t)
	key := h.newIdentity("id", "")
	jump, s := startSSHD(t, sshtest.NewKey(t), key), startSSHD(t, sshtest.NewKey(t), key)
	h.known(jump, s)
	// For the jump host itself the rule means nothing.
	fmt.Fprintf(&h.config, "Host *\n ProxyJump ops@%s\n", jump.addr)
	c := dial(t, h.dialer(Options{}), s.target())
	if n := jump.Dials(); n != 1 {
		t.Errorf("%d connections to the jump host, want 1", n)
	}
	if got := c.Via(); !slices.Equal(got, []string{"127.0.0.1"}) {
		t.Errorf("the way leads through %q", got)
	}
}

func TestRingOfJumpHostsIsReported(t *testing.T) {
	h := newHome(t)
	h.config.WriteString("Host a\n ProxyJump b\nHost b\n ProxyJump a\n")
	err := dialError(t, h.dialer(Options{}), Target{Addresses: []string{"a"}})
	if !strings.Contains(err.Error(), "ring") {
		t.Errorf("error %v", err)
	}
}

func TestUnreachableServerNamesTheHop(t *testing.T) {
	h := newHome(t)
	key := h.newIdentity("id", "")
	jump := startSSHD(t, sshtest.NewKey(t), key)
	h.known(jump)
	d := h.dialer(Options{Jump: []string{"ops@" + jump.addr}})
	err := dialError(t, d, Target{Addresses: []string{"127.0.0.2"}, Port: 1})
	un, ok := errors.AsType[*UnreachableError](err)
	if !ok || un.Address != "127.0.0.2:1" || un.Via != jump.addr {
		t.Errorf("error %v, want 127.0.0.2:1 unreachable from %s", err, jump.addr)
	}
}

func TestProxyCommandCarriesTheConnection(t *testing.T) {
	h := newHome(t)
	s := startSSHD(t, sshtest.NewKey(t), h.newIdentity("id", ""))
	h.write("known_hosts", "server "+string(ssh.MarshalAuthorizedKey(s.host.PublicKey())))
	// This very test is the command: no other program is sure to be there.
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&h.config, "Host server\n ProxyCommand env %s=%s %s\n", proxyTo, s.addr, exe)
	c := dial(t, h.dialer(Options{}), Target{Addresses: []string{"server"}, User: "debian"})
	if out, err := c.Run(testContext(t), "user", nil); err != nil || string(out) != "debian" {
		t.Errorf("run: %q, %v", out, err)
	}
}
