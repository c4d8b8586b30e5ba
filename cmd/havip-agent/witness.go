package main

import (
	"context"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/control"
	"github.com/havip/havip/agent/pulse"
	"github.com/havip/havip/agent/witness"
)

// witnessCommand is what `havip failover-test` runs on every server.
func witnessCommand(args []string, s Streams) error {
	f := flag.NewFlagSet("witness", flag.ContinueOnError)
	group := f.String("group", "", "tell the events of the agent of `GROUP`")
	every := f.Duration("every", 50*time.Millisecond, "ask each `TIME`")
	var o witness.Options
	f.Func("vip", "tell when `ADDRESS` comes or goes; may be repeated", func(v string) error {
		addr, err := netip.ParseAddr(v)
		o.VIPs = append(o.VIPs, addr)
		return err
	})
	f.Func("ask", "ask `NAME=TARGET@ADDRESS`, such as vip=tcp:22@10.0.0.136; may be repeated", func(v string) error {
		a, err := parseAsk(v)
		o.Asks = append(o.Asks, a)
		return err
	})
	if err := parse(f, args, s); err != nil {
		return err
	}
	for i := range o.Asks {
		o.Asks[i].Every = *every
	}
	if *group != "" {
		client := control.NewClient(fmt.Sprintf(socketPattern, *group))
		o.Events = func(ctx context.Context, event func(api.Event) error) error {
			return client.Events(ctx, true, event)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var err error
	if o.Changes, err = addressChanges(ctx); err != nil {
		return err
	}
	return witness.Run(ctx, o, os.Stdin, s.Out)
}

func parseAsk(v string) (witness.Ask, error) {
	name, rest, named := strings.Cut(v, "=")
	target, address, placed := strings.Cut(rest, "@")
	if !named || !placed || name == "" {
		return witness.Ask{}, fmt.Errorf("want NAME=TARGET@ADDRESS, got %q", v)
	}
	addr, err := netip.ParseAddr(address)
	return witness.Ask{Run: name, Target: pulse.Target(target), Address: addr}, err
}
