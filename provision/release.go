package provision

import (
	"github.com/havip/havip/agent/bundle"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/templates"
)

// release is the agent's release as plan compares servers with it. Without
// binaries (a command that installs nothing) only the services are compared.
func (s *Service) release(group string) (plan.AgentRelease, error) {
	unit, err := templates.Systemd(templates.DefaultLayout())
	if err != nil {
		return plan.AgentRelease{}, err
	}
	script, err := templates.SysV(templates.DefaultLayout(), group)
	if err != nil {
		return plan.AgentRelease{}, err
	}
	return plan.AgentRelease{
		Version: s.Release.Version,
		SHA256:  s.Release.SHA256(),
		Units: map[plan.Init]string{
			plan.Systemd: bundle.Sum([]byte(unit)),
			plan.SysV:    bundle.Sum([]byte(script)),
		},
	}, nil
}
