package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/havip/havip/cmd/internal/ui"
	"github.com/havip/havip/provision/spec"
)

// parse runs a command line with probe as the command create.
func parse(t *testing.T, probe func(cmd *cobra.Command), args ...string) {
	t.Helper()
	root := newRoot(newApp(ui.Streams{}, "dev"))
	cmd, _, err := root.Find([]string{"create"})
	if err != nil {
		t.Fatal(err)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { probe(cmd); return nil }
	root.SetArgs(append([]string{"create"}, args...))
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
}

func TestAFlagGoesOverAVariableGoesOverTheSettingsFile(t *testing.T) {
	const file = "os-cloud: from-file\nyes: true\nquiet: true\nssh-jump: [a@one, b@two]\nagent-binary: [/amd64, /arm64]\nverbose: 2\n"
	cases := map[string]struct {
		file string
		env  map[string]string
		args []string
		want map[string]string
	}{
		"nothing is set": {
			want: map[string]string{"os-cloud": "", "yes": "false", "output": "table", "ssh-jump": "[]", "verbose": "0"},
		},
		"the settings file": {
			file: file,
			want: map[string]string{"os-cloud": "from-file", "yes": "true", "quiet": "true", "ssh-jump": "[a@one,b@two]", "agent-binary": "[/amd64,/arm64]", "verbose": "2"},
		},
		"a variable over the file": {
			file: file, env: map[string]string{"HAVIP_OS_CLOUD": "from-env", "HAVIP_YES": "0", "HAVIP_SSH_JUMP": "c@three,d@four", "HAVIP_VERBOSE": "1"},
			want: map[string]string{"os-cloud": "from-env", "yes": "false", "quiet": "true", "ssh-jump": "[c@three,d@four]", "verbose": "1"},
		},
		"a flag over both": {
			file: file, env: map[string]string{"HAVIP_OS_CLOUD": "from-env", "HAVIP_YES": "1", "HAVIP_SSH_JUMP": "c@three"},
			args: []string{"--os-cloud", "from-flag", "--yes=false", "--ssh-jump", "e@five", "-v"},
			want: map[string]string{"os-cloud": "from-flag", "yes": "false", "ssh-jump": "[e@five]", "verbose": "1"},
		},
		"HAVIP_YES=1 is --yes":           {env: map[string]string{"HAVIP_YES": "1"}, want: map[string]string{"yes": "true"}},
		"an empty variable says nothing": {file: file, env: map[string]string{"HAVIP_OS_CLOUD": ""}, want: map[string]string{"os-cloud": "from-file"}},
		"binaries in a variable are separated as in PATH": {
			env: map[string]string{"HAVIP_AGENT_BINARY": strings.Join([]string{"/a b", "/c"}, string(filepath.ListSeparator))}, want: map[string]string{"agent-binary": "[/a b,/c]"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			config := clean(t)
			if c.file != "" {
				write(t, filepath.Join(config, "config.yaml"), c.file)
			}
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			got := map[string]string{}
			parse(t, func(cmd *cobra.Command) {
				for flag := range c.want {
					got[flag] = cmd.Flags().Lookup(flag).Value.String()
				}
			}, c.args...)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWrongSettingsAreUsageErrorsWithAllThatIsWrong(t *testing.T) {
	config := clean(t)
	path := write(t, filepath.Join(config, "config.yaml"), "os-clud: x\nserver: a\n")
	r := call(t, "list")
	if r.code != ui.ExitUsage || strings.Count(r.err, "unknown setting") != 2 {
		t.Errorf("got %+v", r)
	}
	has(t, r.err, path, `unknown setting "os-clud"`, `unknown setting "server"`, "hint: the settings are: agent-binary, ")

	write(t, path, "yes: perhaps\noutput: xml\n")
	r = call(t, "list")
	if r.code != ui.ExitUsage {
		t.Errorf("got %+v", r)
	}
	has(t, r.err, "setting yes (HAVIP_YES)", `--output: "xml" is not one of table, json, yaml`)

	write(t, path, "a: [\n")
	if r = call(t, "list"); r.code != ui.ExitUsage {
		t.Errorf("got %+v", r)
	}
	has(t, r.err, "error: read settings "+path)
}

const groupFile = `version: 1
name: bastion
cloud: file-cloud
servers: [a, b]
vips: [{network: internal}]
ssh: {user: file-user, host_keys: known_hosts}
`

func TestTheGroupFileGoesOverSettingsAndAFlagOverTheGroupFile(t *testing.T) {
	cases := map[string]struct {
		file  string
		env   map[string]string
		args  []string
		cloud string
		want  spec.SSH
	}{
		"the file alone": {file: groupFile, cloud: "file-cloud", want: spec.SSH{User: "file-user", HostKeys: spec.KnownHosts}},
		"settings fill what the file does not say": {
			file: groupFile, env: map[string]string{"HAVIP_OS_CLOUD": "env-cloud", "HAVIP_SSH_USER": "env-user", "HAVIP_HOST_KEYS": "accept-new", "HAVIP_SSH_IDENTITY": "id"},
			cloud: "file-cloud", want: spec.SSH{User: "file-user", HostKeys: spec.KnownHosts, Identity: "id"},
		},
		"flags go over the file": {
			file: groupFile, env: map[string]string{"HAVIP_SSH_USER": "env-user"},
			args:  []string{"--os-cloud", "flag-cloud", "--ssh-user", "flag-user", "--host-keys", "console"},
			cloud: "flag-cloud", want: spec.SSH{User: "flag-user", HostKeys: spec.Console},
		},
		"a file that says nothing of it": {
			file: "version: 1\nname: bastion\nservers: [a, b]\nvips: [{network: internal}]\n",
			env:  map[string]string{"HAVIP_OS_CLOUD": "env-cloud", "HAVIP_SSH_USER": "env-user", "HAVIP_HOST_KEYS": "accept-new"}, cloud: "env-cloud",
			want: spec.SSH{User: "env-user", HostKeys: spec.AcceptNew},
		},
		"no file": {
			env:  map[string]string{"HAVIP_SSH_USER": "env-user", "HAVIP_SSH_JUMP": "c@three"},
			args: []string{"bastion", "--server", "a", "--server", "b", "--network", "internal"},
			want: spec.SSH{User: "env-user", Jump: []string{"c@three"}, HostKeys: spec.KnownHosts},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			clean(t)
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			g := &groupFlags{}
			a := newApp(ui.Streams{}, "dev")
			root := newRoot(a)
			var got spec.Group
			cmd := &cobra.Command{Use: "probe", RunE: func(cmd *cobra.Command, args []string) (err error) {
				got, err = g.group(cmd, strings.NewReader(c.file), args)
				return err
			}}
			g.add(cmd)
			root.AddCommand(cmd)
			if c.file != "" {
				c.args = append(c.args, "-f", "-")
			}
			root.SetArgs(append([]string{"probe"}, c.args...))
			if err := root.Execute(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got.SSH); diff != "" || got.Cloud != c.cloud {
				t.Errorf("cloud %q, want %q; (-want +got):\n%s", got.Cloud, c.cloud, diff)
			}
		})
	}
}
