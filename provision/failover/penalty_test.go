package failover

import (
	"context"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

// listening says a line to everybody who connects.
func listening(t *testing.T, line string) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, line)
			_ = c.Close()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

func TestOpenSSHFrom98OnPenalisesWhoAsksOften(t *testing.T) {
	for line, want := range map[string]bool{
		"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10\r\n": false,
		"SSH-2.0-OpenSSH_9.7\r\n":                     false,
		"SSH-2.0-OpenSSH_9.8\r\n":                     true,
		"SSH-2.0-OpenSSH_10.0p2 Debian-7\r\n":         true,
		"SSH-2.0-OpenSSH_for_Windows_9.8 Win32\r\n":   true,
		"Not allowed at this time\r\n":                true,
		"SSH-2.0-dropbear_2022.83\r\n":                false,
		"220 mail.example ESMTP\r\n":                  false,
		"":                                            false,
	} {
		ctx, end := context.WithTimeout(t.Context(), 30*time.Second)
		if got := Penalises(ctx, listening(t, line)); got != want {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
		end()
	}
}
