// Package server knows what a member's server must hold: the agent's binary,
// its service and the group's configuration. It looks at a server, brings it
// there and takes it all away again, in one to three commands.
package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/bundle"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/remote"
	"github.com/havip/havip/templates"
)

// Server is one member's server.
type Server struct {
	runner  remote.Runner
	release bundle.Release
	place   place
	layout  templates.Layout
}

// New returns the server that r runs commands on. rel is the agent to install;
// it may be empty where nothing is installed.
func New(r remote.Runner, rel bundle.Release) *Server {
	return &Server{runner: r, release: rel, place: place{path: defaultPath}, layout: templates.DefaultLayout()}
}

// DowngradeError is a server that holds a newer agent than this CLI has.
type DowngradeError struct{ Installed, Ours string }

func (e *DowngradeError) Error() string {
	return fmt.Sprintf("install agent %s: the server has %s, which is newer and may serve other groups", e.Ours, e.Installed)
}

// Hint says what to do instead.
func (e *DowngradeError) Hint() string {
	return "use a havip of version " + e.Installed + " or later, or give it that agent: --agent-binary FILE"
}

// Converge makes the server hold binary, service and configuration, and the
// agent run with it. It may be repeated at any time, also after it was cut off.
func (s *Server) Converge(ctx context.Context, op plan.ConvergeAgent) error {
	file, err := config.Marshal(op.Config)
	if err != nil {
		return err
	}
	found, err := inspect(ctx, s.runner, s.place, op.Config.Group)
	if err != nil {
		return err
	}
	if !found.host.Root {
		return &SudoError{Err: errors.New("sudo asks for a password")}
	}
	uploaded, err := s.upload(ctx, op.Config.Group, found)
	if err != nil {
		return err
	}
	unit, err := s.unit(found.host.Init, op.Config.Group)
	if err != nil {
		return err
	}
	vars := map[string]string{
		"group":   op.Config.Group,
		"want":    config.SHA256(file),
		"restart": yesNo(op.Restart || uploaded),
	}
	stdin := base64.StdEncoding.EncodeToString([]byte(unit)) + "\n" + base64.StdEncoding.EncodeToString(file) + "\n"
	if _, err := s.place.asRoot(ctx, s.runner, installScript, vars, strings.NewReader(stdin)); err != nil {
		return fmt.Errorf("start agent: %w", err)
	}
	return nil
}

// upload brings the binary when the server has another one, and tells so.
func (s *Server) upload(ctx context.Context, group string, f facts) (bool, error) {
	binary, ok := s.release.Binaries[f.host.Arch]
	if !ok {
		return false, fmt.Errorf("install agent: there is none for %s, only for %s",
			f.host.Arch, strings.Join(s.release.Arches(), ", "))
	}
	has := f.host.Agent.BinarySHA256
	if has == binary.SHA256 {
		return false, nil
	}
	if has != "" && newer(f.host.Agent.Version, s.release.Version) {
		return false, &DowngradeError{Installed: f.host.Agent.Version, Ours: s.release.Version}
	}
	packed, err := binary.Open()
	if err != nil {
		return false, err
	}
	defer packed.Close()
	if _, err := s.place.asRoot(ctx, s.runner, uploadScript, map[string]string{"group": group, "want": binary.SHA256}, packed); err != nil {
		return false, fmt.Errorf("upload agent: %w", err)
	}
	return true, nil
}

func (s *Server) unit(init plan.Init, group string) (string, error) {
	if init == plan.Systemd {
		return templates.Systemd(s.layout)
	}
	return templates.SysV(s.layout, group)
}

// Stop stops the group's agent; it hands the VIP over.
func (s *Server) Stop(ctx context.Context, group string) error {
	if _, err := s.place.asRoot(ctx, s.runner, stopScript, map[string]string{"group": group}, nil); err != nil {
		return fmt.Errorf("stop agent: %w", err)
	}
	return nil
}

// Remove takes the group's agent away, and with the last group the binary, the
// service file and the user that havip made.
func (s *Server) Remove(ctx context.Context, group string) error {
	if _, err := s.place.asRoot(ctx, s.runner, removeScript, map[string]string{"group": group}, nil); err != nil {
		return fmt.Errorf("remove agent: %w", err)
	}
	return nil
}

// Status asks the group's agent how it is.
func (s *Server) Status(ctx context.Context, group string) (api.Status, error) {
	out, err := s.place.asRoot(ctx, s.runner, "status\n", map[string]string{"group": group}, nil)
	if err != nil {
		return api.Status{}, fmt.Errorf("ask agent for its status: %w", err)
	}
	var st api.Status
	if err := json.Unmarshal(out, &st); err != nil {
		return api.Status{}, fmt.Errorf("read status of agent: %w", err)
	}
	return st, nil
}

// Switchover makes the group's agent there the active one.
func (s *Server) Switchover(ctx context.Context, group string) error {
	script := "limited 20 \"$agent\" switchover --group \"$group\"\n"
	if _, err := s.place.asRoot(ctx, s.runner, script, map[string]string{"group": group}, nil); err != nil {
		return fmt.Errorf("switch over: %w", err)
	}
	return nil
}

// HostKeys are the server's own SSH host keys, as it has them.
func (s *Server) HostKeys(ctx context.Context) ([]ssh.PublicKey, error) {
	out, err := s.runner.Run(ctx, "cat "+s.place.root+"/etc/ssh/ssh_host_*_key.pub", nil)
	if err != nil {
		return nil, fmt.Errorf("read host keys: %w", err)
	}
	var keys []ssh.PublicKey
	for line := range bytes.Lines(out) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey(line)
		if err != nil {
			return nil, fmt.Errorf("read host keys: %w", err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
