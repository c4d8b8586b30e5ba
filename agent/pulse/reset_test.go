package pulse_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"testing"

	"github.com/havip/havip/agent/pulse"
)

// A port of a connection that this machine has closed in the usual way rests for a
// minute: a thousand questions a second would use them all up.
func TestAConnectionThatWasAskedByLeavesNoPortThatRests(t *testing.T) {
	for _, kind := range []string{"tcp:", "http://name.example:"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		at := netip.MustParseAddrPort(l.Addr().String())
		ended := make(chan error, 1)
		go func() {
			c, err := l.Accept()
			if err != nil {
				ended <- err
				return
			}
			defer c.Close()
			in := bufio.NewReader(c)
			if kind != "tcp:" {
				if _, err := http.ReadRequest(in); err == nil {
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") // heard below
				}
			}
			_, err = in.ReadByte()
			ended <- err
		}()
		asker, err := pulse.Target(kind + port(at)).Open(at.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer asker.Close()
		if err := asker.Ask(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: the connection ended with %v, want a reset", kind, err)
		}
	}
}
