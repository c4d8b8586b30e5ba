// Package templates renders the service files that havip installs on a server:
// the systemd unit, shared by all groups, and the SysV script of one group.
package templates

import (
	"bytes"
	_ "embed"
	"text/template"
)

//go:embed havip-agent@.service.tmpl
var systemdTemplate string

//go:embed havip-agent.init.tmpl
var sysvTemplate string

// Layout is where the files of the agent are on a server.
type Layout struct {
	Binary    string // the agent
	ConfigDir string // holds GROUP.yaml for each group
	RunDir    string // holds GROUP/control.sock for each group
	PIDDir    string // holds the SysV script's file with the agent's number
	User      string // system user and group of the service
}

// DefaultLayout is the layout that havip installs.
func DefaultLayout() Layout {
	return Layout{
		Binary:    "/usr/local/bin/havip-agent",
		ConfigDir: "/etc/havip",
		RunDir:    "/run/havip",
		PIDDir:    "/run",
		User:      "havip",
	}
}

// SystemdUnit is the name of the unit file that all groups share.
const SystemdUnit = "havip-agent@.service"

// SystemdInstance is the name of a group's instance of it.
func SystemdInstance(group string) string { return "havip-agent@" + group + ".service" }

// SysVScript is the name of a group's script in /etc/init.d.
func SysVScript(group string) string { return "havip-agent-" + group }

// Systemd renders the unit file. It is the same for every group.
func Systemd(l Layout) (string, error) {
	return render(SystemdUnit, systemdTemplate, l)
}

// SysV renders the init script of one group. The group is part of it because
// an LSB header must name what it provides.
func SysV(l Layout, group string) (string, error) {
	return render(SysVScript(group), sysvTemplate, struct {
		Layout
		Group, Script string
	}{l, group, SysVScript(group)})
}

func render(name, text string, data any) (string, error) {
	t, err := template.New(name).Option("missingkey=error").Parse(text)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return "", err
	}
	return b.String(), nil
}
