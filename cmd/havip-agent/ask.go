package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/control"
)

const (
	// socketPattern is where the agents' control sockets are by default.
	socketPattern = "/run/havip/%s/control.sock"
	askTimeout    = 5 * time.Second
)

// target says which agent of this server a command is for.
type target struct{ group, config, socket string }

func (t *target) flags(f *flag.FlagSet) {
	f.StringVar(&t.group, "group", "", "ask the agent of `GROUP`")
	f.StringVar(&t.config, "config", "", "ask the agent that runs with `FILE`")
	f.StringVar(&t.socket, "socket", "", "ask the agent behind the control socket at `PATH`")
}

// client finds the agent's socket. Without any flag it is the only one there.
func (t *target) client() (*control.Client, error) {
	switch {
	case t.socket != "":
		return control.NewClient(t.socket), nil
	case t.config != "":
		cfg, _, err := loadConfig(t.config)
		if err != nil {
			return nil, err
		}
		return control.NewClient(cfg.Control), nil
	case t.group != "":
		return control.NewClient(fmt.Sprintf(socketPattern, t.group)), nil
	}
	found, err := sockets()
	if err != nil {
		return nil, explain(err)
	}
	if len(found) == 1 {
		return control.NewClient(found[0]), nil
	}
	var groups []string
	for _, path := range found {
		groups = append(groups, filepath.Base(filepath.Dir(path)))
	}
	if len(groups) == 0 {
		return nil, &usageError{&hintError{
			fmt.Errorf("no control socket is at %s", fmt.Sprintf(socketPattern, "*")),
			"name another with --socket or --config, or start an agent: systemctl start havip-agent@GROUP",
		}}
	}
	return nil, &usageError{&hintError{
		fmt.Errorf("%d agents run here: %s", len(groups), strings.Join(groups, ", ")), "--group GROUP",
	}}
}

// sockets are those of the agents here. That a folder may not be looked into is an error:
// an agent may be behind it.
func sockets() ([]string, error) {
	pattern := fmt.Sprintf(socketPattern, "*")
	groups, err := filepath.Glob(filepath.Dir(pattern))
	if err != nil {
		return nil, err
	}
	var found []string
	for _, g := range groups {
		socket := filepath.Join(g, filepath.Base(pattern))
		switch _, err := os.Stat(socket); {
		case err == nil:
			found = append(found, socket)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return found, nil
}

// explain adds what to do when the agent could not be asked.
func explain(err error) error {
	switch {
	case errors.Is(err, control.ErrNotRunning):
		return &hintError{err, "systemctl status 'havip-agent@*', journalctl -u 'havip-agent@*'"}
	case errors.Is(err, fs.ErrPermission):
		return &hintError{err, "run it with sudo"}
	}
	return err
}

func statusCommand(args []string, s Streams) error {
	f := flag.NewFlagSet("status", flag.ContinueOnError)
	var t target
	t.flags(f)
	asJSON := f.Bool("json", false, "print as JSON")
	if err := parse(f, args, s); err != nil {
		return err
	}
	client, err := t.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	status, err := client.Status(ctx)
	if err != nil {
		return explain(err)
	}
	if *asJSON {
		return json.NewEncoder(s.Out).Encode(status)
	}
	return printStatus(s.Out, status)
}

func switchoverCommand(args []string, s Streams) error {
	f := flag.NewFlagSet("switchover", flag.ContinueOnError)
	var t target
	t.flags(f)
	if err := parse(f, args, s); err != nil {
		return err
	}
	client, err := t.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	if err := client.Switchover(ctx); err != nil {
		return explain(err)
	}
	status, err := client.Status(ctx)
	if err != nil {
		return explain(err)
	}
	for _, r := range status.Routers {
		if r.State != api.Active {
			return fmt.Errorf("%s is %s: %s", routerName(r.VRID, api.FamilyOf(r.Source)), r.State, r.Reason)
		}
	}
	_, err = fmt.Fprintf(s.Out, "%s: this member is active\n", status.Group)
	return err
}

func eventsCommand(args []string, s Streams) error {
	f := flag.NewFlagSet("events", flag.ContinueOnError)
	var t target
	t.flags(f)
	follow := f.Bool("follow", false, "go on with new events until interrupted")
	asJSON := f.Bool("json", false, "print as JSON lines")
	if err := parse(f, args, s); err != nil {
		return err
	}
	client, err := t.client()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	lines, people := json.NewEncoder(s.Out), eventPrinter{w: s.Out}
	err = client.Events(ctx, *follow, func(ev api.Event) error {
		if *asJSON {
			return lines.Encode(ev)
		}
		return people.print(ev)
	})
	switch {
	case ctx.Err() != nil:
		return nil // interrupted: that is how following ends
	case err == nil && *follow:
		return &hintError{errors.New("the agent sends no more events"), "it has stopped, or did not wait for this slow reader"}
	}
	return explain(err)
}
