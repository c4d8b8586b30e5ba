package server

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/havip/havip/provision/remote"
)

var (
	//go:embed scripts/fault.sh
	faultScript string
	//go:embed scripts/mend.sh
	mendScript string
)

// Provocation is a fault to be made on a server.
type Provocation struct {
	Group, Fault string
	// Limit is after how long the server undoes it by itself.
	Limit time.Duration
	VIP   netip.Prefix // what vip-delete deletes
	NIC   string       // where the VIP is
	Port  int          // what service refuses
}

// NotPossibleError is a fault that this server does not allow.
type NotPossibleError struct{ Why string }

func (e *NotPossibleError) Error() string { return e.Why }

// Provoke makes a fault. The timer that undoes it is set before.
func (s *Server) Provoke(ctx context.Context, p Provocation) error {
	_, err := s.place.asRoot(ctx, s.runner, faultScript, map[string]string{
		"group": p.Group, "fault": p.Fault, "seconds": strconv.Itoa(int(p.Limit / time.Second)),
		"vip": p.VIP.String(), "nic": p.NIC, "port": strconv.Itoa(p.Port),
	}, nil)
	if failed, ok := errors.AsType[*ScriptError](err); ok {
		if _, why, impossible := strings.Cut(failed.Error(), "not possible: "); impossible {
			why, _, _ = strings.Cut(why, "\n")
			return &NotPossibleError{Why: why}
		}
	}
	if err != nil {
		return fmt.Errorf("make fault %s: %w", p.Fault, err)
	}
	return nil
}

// Mend undoes a fault at once, and tells whether there was one.
func (s *Server) Mend(ctx context.Context, group string) (undone bool, err error) {
	out, err := s.place.asRoot(ctx, s.runner, mendScript, map[string]string{"group": group}, nil)
	if err != nil {
		return false, fmt.Errorf("undo fault: %w", err)
	}
	return strings.HasSuffix(strings.TrimSpace(string(out)), "havip: undone"), nil
}

// Streamer runs a command whose output is wanted while it runs. *remote.Conn is
// one.
type Streamer interface {
	remote.Runner
	Stream(ctx context.Context, command string, stdin io.Reader, stdout io.Writer) error
}

// Witness runs the agent's witness for a group until stdin ends. asks are
// "NAME=TARGET@ADDRESS".
func (s *Server) Witness(ctx context.Context, group string, vips []netip.Addr, every time.Duration, asks []string, stdin io.Reader, stdout io.Writer) error {
	r, ok := s.runner.(Streamer)
	if !ok {
		return errors.New("this way to the server cannot stream")
	}
	words := []string{"exec", `"$agent"`, "witness", "--group", `"$group"`, "--every", every.String()}
	for _, v := range vips {
		words = append(words, "--vip", v.String())
	}
	for _, a := range asks {
		words = append(words, "--ask", shellescape.Quote(a))
	}
	command := s.place.command(strings.Join(words, " ")+"\n", map[string]string{"group": group}, fmt.Sprintf("exit %d", noSudo))
	return r.Stream(ctx, command, stdin, stdout)
}
