package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/havip/havip/cmd/internal/ui"
	"github.com/havip/havip/provision"
	"github.com/havip/havip/provision/spec"
)

// groupFlags are the flags that say what a group file says.
type groupFlags struct {
	file    string
	preempt bool
	spec.Flags
}

// addWay adds the flags of how to reach servers, and -f.
func (g *groupFlags) addWay(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&g.file, "file", "f", "", "group `FILE` (- reads it from stdin)")
	f.StringVar(&g.SSHUser, "ssh-user", "", "`LOGIN` on the servers")
	f.StringSliceVar(&g.SSHJump, "ssh-jump", nil, "jump `HOST`s, outermost first: [user@]host[:port]")
	f.StringVar(&g.SSHIdentity, "ssh-identity", "", "private key `FILE`")
	f.StringVar(&g.SSHConfig, "ssh-config", "", "ssh_config `FILE` instead of the user's own")
	f.StringVar(&g.HostKeys, "host-keys", "", "`HOW` servers' host keys become known: known_hosts, console or accept-new")
	_ = cmd.MarkFlagFilename("file", "yaml", "yml")
	choose(cmd, "host-keys", string(spec.KnownHosts), string(spec.Console), string(spec.AcceptNew))
}

// again names the group, and how its cloud and its servers were reached, for a command
// that follows: nothing remembers what this one was told.
func (g *groupFlags) again(cmd *cobra.Command, group string) string {
	words := []string{group}
	if g.file != "" && g.file != "-" {
		words = []string{"-f", g.file}
	}
	for _, name := range []string{"os-cloud", "ssh-user", "ssh-jump", "ssh-identity", "ssh-config", "host-keys"} {
		f := cmd.Flags().Lookup(name)
		if f == nil || !f.Changed {
			continue
		}
		value := f.Value.String()
		if list, ok := f.Value.(pflag.SliceValue); ok {
			value = strings.Join(list.GetSlice(), ",")
		}
		words = append(words, "--"+name, value)
	}
	return shellescape.QuoteCommand(words)
}

// add adds all of them.
func (g *groupFlags) add(cmd *cobra.Command) {
	g.addWay(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&g.Servers, "server", nil, "a member, `NAME`, ID or NAME=PORT; repeat it, the order gives the priority")
	f.StringVar(&g.Network, "network", "", "`NETWORK` of the VIP: name or ID")
	f.StringVar(&g.Subnet, "subnet", "", "`SUBNET` of the VIP: name or ID")
	f.StringVar(&g.Address, "address", "", "the VIP, an `IP`; allocated when not given")
	f.StringVar(&g.FloatingIP, "floating-ip", "", "an existing floating `IP` that leads to the VIP")
	f.StringVar(&g.FloatingIPFrom, "floating-ip-from", "", "allocate a floating IP from this external `NETWORK`")
	f.StringVar(&g.VRID, "vrid", "", "virtual router `ID`: 1 to 255, or auto")
	f.StringVar(&g.Interval, "interval", "", "`TIME` between advertisements, such as 300ms")
	f.BoolVar(&g.preempt, "preempt", false, "a member with higher priority takes the VIP back")
	f.StringArrayVar(&g.Checks, "check", nil, "health `CHECK`, NAME=tcp:PORT or NAME=URL; repeat it")
	f.StringVar(&g.Verify, "verify", "", "`WHAT` must answer in the end: tcp:PORT, icmp, http:URL or none")
}

// group is what the flags and the file say.
func (g *groupFlags) group(cmd *cobra.Command, in io.Reader, args []string) (spec.Group, error) {
	file, err := g.read(in)
	if err != nil {
		return spec.Group{}, err
	}
	if len(args) > 0 {
		g.Name = args[0]
	}
	if file == nil && g.Name == "" {
		return spec.Group{}, whichGroup(cmd)
	}
	if cmd.Flags().Changed("preempt") {
		g.Preempt = &g.preempt
	}
	out, err := spec.Build(file, g.over(cmd, file))
	return out, ui.Usage(err)
}

// over are the flags that go over the file. What comes from the settings is
// less than what the file says.
func (g *groupFlags) over(cmd *cobra.Command, file *spec.File) spec.Flags {
	out := g.Flags
	out.Cloud, _ = cmd.Flags().GetString("os-cloud")
	if file == nil {
		return out
	}
	for flag, setting := range map[string]struct {
		field  string
		forget func()
	}{
		"os-cloud":     {"cloud", func() { out.Cloud = "" }},
		"ssh-user":     {"ssh.user", func() { out.SSHUser = "" }},
		"ssh-jump":     {"ssh.jump", func() { out.SSHJump = nil }},
		"ssh-identity": {"ssh.identity", func() { out.SSHIdentity = "" }},
		"ssh-config":   {"ssh.config", func() { out.SSHConfig = "" }},
		"host-keys":    {"ssh.host_keys", func() { out.HostKeys = "" }},
	} {
		if !cmd.Flags().Changed(flag) && file.Has(setting.field) {
			setting.forget()
		}
	}
	return out
}

func whichGroup(cmd *cobra.Command) error {
	return ui.Usage(&usageError{
		err:     errors.New("no group is named"),
		command: cmd.CommandPath(),
		hint:    "give its name or its file: " + cmd.CommandPath() + " GROUP, or -f FILE",
	})
}

func (g *groupFlags) read(in io.Reader) (*spec.File, error) {
	if g.file == "" {
		return nil, nil
	}
	data, err := readFile(g.file, in)
	if err != nil {
		return nil, ui.Usage(&usageError{
			err:  fmt.Errorf("read group file: %w", err),
			hint: "-f takes the path of a group file, or - to read it from stdin",
		})
	}
	return spec.Read(data, g.file), nil
}

// readFile reads a group file, and no more than its largest size and a byte.
func readFile(name string, in io.Reader) ([]byte, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	return io.ReadAll(io.LimitReader(in, spec.MaxFileSize+1))
}

// selection names an existing group: by its file, or by its name and the way
// to its servers.
func (g *groupFlags) selection(cmd *cobra.Command, in io.Reader, args []string) (provision.Selection, target, error) {
	if g.file != "" {
		group, err := g.group(cmd, in, args)
		return provision.Selection{Name: group.Name, File: &group, SSH: group.SSH}, target{cloud: group.Cloud, ssh: group.SSH}, err
	}
	if len(args) == 0 {
		return provision.Selection{}, target{}, whichGroup(cmd)
	}
	way, err := spec.Way(args[0], g.Flags)
	return provision.Selection{Name: args[0], SSH: way}, target{ssh: way}, ui.Usage(err)
}
