package provision

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/agent/pulse"
)

func TestAnSSHServerThatPenalisesIsAskedOnlyByWhoWishes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_10.0p2 Debian-7\r\n")
			_ = c.Close()
		}
	}()
	at := netip.MustParseAddrPort(l.Addr().String())
	target := pulse.Target(fmt.Sprintf("tcp:%d", at.Port()))
	says := fmt.Sprintf("the SSH server at %s shuts out for minutes who connects often without logging in, as %s does (PerSourcePenalties)", at, target)
	for name, tt := range map[string]struct {
		wish, target pulse.Target
		refused      bool
		warnings     []string
	}{
		"for want of another":  {"", target, true, nil},
		"wished":               {target, target, false, []string{says}},
		"another one is asked": {"", "icmp", false, nil},
	} {
		w := &warnings{}
		err := (&Service{Report: w}).penalties(t.Context(), tt.wish, tt.target, at.Addr())
		refusal, refused := errors.AsType[*PreflightError](err)
		if refused != tt.refused || refused && refusal.Findings[0].Message != says {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(tt.warnings, w.all); d != "" {
			t.Errorf("%s: warnings (-want +got):\n%s", name, d)
		}
	}
}
