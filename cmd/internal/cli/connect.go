package cli

import (
	"context"
	"errors"
	"sync"

	"github.com/spf13/cobra"

	"github.com/havip/havip/agent/bundle"
	"github.com/havip/havip/cmd/internal/ui"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision"
	"github.com/havip/havip/provision/remote"
	"github.com/havip/havip/provision/spec"
)

// session is a logged-in service with its progress.
type session struct {
	*provision.Service
	progress *ui.Progress
}

// target says where a command works and with what.
type target struct {
	cloud   string // the group file's, "" leaves it to the flags
	ssh     spec.SSH
	release bundle.Release
}

// with logs in, wires the service and runs do with it.
func (a *app) with(cmd *cobra.Command, t target, do func(*session) error) error {
	client, err := openstack.Connect(cmd.Context(), a.login(cmd, t.cloud))
	if err != nil {
		return err
	}
	dialer := remote.New(a.sshOptions(t.ssh))
	progress := ui.NewProgress(a.streams.Err, a.streams.Quiet, a.now)
	s := &session{
		Service: &provision.Service{
			Cloud: client, Dial: a.dial(cmd, dialer), Release: t.release,
			Report: progress, Now: a.now, Holder: holder(), Abandoned: abandoned,
		},
		progress: progress,
	}
	return errors.Join(do(s), dialer.Close())
}

// login is what the flags say about it.
func (a *app) login(cmd *cobra.Command, cloud string) openstack.Options {
	f := cmd.Flags()
	opt := openstack.Options{Cloud: cloud, UserAgent: "havip/" + a.version}
	if cloud == "" {
		opt.Cloud, _ = f.GetString("os-cloud")
	}
	opt.Region, _ = f.GetString("os-region-name")
	opt.Interface, _ = f.GetString("os-interface")
	opt.CACert, _ = f.GetString("os-cacert")
	opt.Insecure, _ = f.GetBool("insecure")
	if verbosity(cmd) >= traceAPI {
		opt.Trace = traceRequests(a.streams.Err)
	}
	return opt
}

func (a *app) sshOptions(way spec.SSH) remote.Options {
	opt := remote.Options{
		User: way.User, Jump: way.Jump, Identity: way.Identity, Config: way.Config, HostKeys: way.HostKeys,
	}
	if a.streams.Interactive {
		var asking sync.Mutex // one question at a time
		opt.Prompt = func(ctx context.Context, text string) (string, error) {
			asking.Lock()
			defer asking.Unlock()
			return a.streams.Secret(ctx, text)
		}
	}
	return opt
}

func (a *app) dial(cmd *cobra.Command, d *remote.Dialer) provision.Dialer {
	trace := func(sshCommand) {}
	if verbosity(cmd) >= traceSSH {
		trace = traceCommands(a.streams.Err)
	}
	return func(ctx context.Context, t remote.Target) (provision.Connection, error) {
		c, err := d.Dial(ctx, t)
		if err != nil {
			return nil, err
		}
		return &tracedConn{Conn: c, trace: trace, now: a.now}, nil
	}
}

// working tells a person that the cloud and the servers are looked at; a trace
// tells it already.
func (a *app) working(cmd *cobra.Command) (done func()) {
	if verbosity(cmd) > 0 {
		return func() {}
	}
	return a.streams.Working("Looking at the cloud and the servers ...")
}
