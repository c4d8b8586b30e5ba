package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/user"
	"sync"
	"time"

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

// connect logs in and wires the service. cloud is the group file's, which
// --os-cloud overrides.
func (a *app) connect(cmd *cobra.Command, cloud string, ssh spec.SSH, release bundle.Release) (*session, error) {
	f := cmd.Flags()
	opt := openstack.Options{Cloud: cloud, UserAgent: "havip/" + a.version}
	if s, _ := f.GetString("os-cloud"); s != "" {
		opt.Cloud = s
	}
	opt.Region, _ = f.GetString("os-region-name")
	opt.Interface, _ = f.GetString("os-interface")
	opt.CACert, _ = f.GetString("os-cacert")
	opt.Insecure, _ = f.GetBool("insecure")
	if n, _ := f.GetCount("verbose"); n > 0 {
		opt.Trace = tracer(a.streams.Err)
	}
	client, err := openstack.Connect(cmd.Context(), opt)
	if err != nil {
		return nil, err
	}
	progress := ui.NewProgress(a.streams.Err, a.streams.Quiet, a.now)
	return &session{
		Service: &provision.Service{
			Cloud: client, Dial: a.dialer(cmd, ssh), Release: release,
			Report: progress, Now: a.now, Holder: holder(),
		},
		progress: progress,
	}, nil
}

// dialer reaches servers as the group's SSH settings say.
func (a *app) dialer(cmd *cobra.Command, way spec.SSH) provision.Dialer {
	opt := remote.Options{
		User: way.User, Jump: way.Jump, Identity: way.Identity, Config: way.Config, HostKeys: way.HostKeys,
	}
	if a.streams.Interactive {
		var asking sync.Mutex // one question at a time
		opt.Prompt = func(_ context.Context, text string) (string, error) {
			asking.Lock()
			defer asking.Unlock()
			return a.streams.Secret(text)
		}
	}
	d := remote.New(opt)
	return func(ctx context.Context, t remote.Target) (provision.Connection, error) {
		c, err := d.Dial(ctx, t)
		if err != nil {
			return nil, err
		}
		return c, nil
	}
}

// tracer writes one line for each API request, as JSON: people read it, and
// tests count with it.
func tracer(w io.Writer) func(openstack.Request) {
	var mu sync.Mutex
	enc := json.NewEncoder(w)
	return func(r openstack.Request) {
		mu.Lock()
		defer mu.Unlock()
		_ = enc.Encode(struct {
			Request string    `json:"request"`
			Query   string    `json:"query,omitempty"`
			Status  int       `json:"status"`
			Start   time.Time `json:"start"`
			MS      float64   `json:"ms"`
			ID      string    `json:"id,omitempty"`
		}{r.Method + " " + r.Path, r.Query, r.Status, r.Start, float64(r.End.Sub(r.Start).Microseconds()) / 1000, r.RequestID})
	}
}

// holder names this run in a group's lock.
func holder() string {
	name := "someone"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "somewhere"
	}
	return fmt.Sprintf("%s@%s/%d", name, host, os.Getpid())
}
