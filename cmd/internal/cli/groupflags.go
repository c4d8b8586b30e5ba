package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

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
	f.StringVarP(&g.file, "file", "f", "", "group file (\"-\" reads it from stdin)")
	f.StringVar(&g.SSHUser, "ssh-user", "", "login on the servers")
	f.StringSliceVar(&g.SSHJump, "ssh-jump", nil, "jump hosts, outermost first: [user@]host[:port]")
	f.StringVar(&g.SSHIdentity, "ssh-identity", "", "private key file")
	f.StringVar(&g.SSHConfig, "ssh-config", "", "ssh_config file instead of the user's own")
	f.StringVar(&g.HostKeys, "host-keys", "", "how servers' host keys become known: known_hosts, console or accept-new")
	_ = cmd.MarkFlagFilename("file", "yaml", "yml")
}

// add adds all of them.
func (g *groupFlags) add(cmd *cobra.Command) {
	g.addWay(cmd)
	f := cmd.Flags()
	f.StringArrayVar(&g.Servers, "server", nil, "a member: NAME, ID or NAME=PORT; repeat it, the order gives the priority")
	f.StringVar(&g.Network, "network", "", "network of the VIP: name or ID")
	f.StringVar(&g.Subnet, "subnet", "", "subnet of the VIP: name or ID")
	f.StringVar(&g.Address, "address", "", "the VIP; allocated when not given")
	f.StringVar(&g.FloatingIP, "floating-ip", "", "an existing floating IP that leads to the VIP")
	f.StringVar(&g.FloatingIPFrom, "floating-ip-from", "", "allocate a floating IP from this external network")
	f.StringVar(&g.VRID, "vrid", "", "virtual router ID: 1 to 255, or auto")
	f.StringVar(&g.Interval, "interval", "", "between advertisements, e.g. 300ms")
	f.BoolVar(&g.preempt, "preempt", false, "a member with higher priority takes the VIP back")
	f.StringArrayVar(&g.Checks, "check", nil, "health check: NAME=tcp:PORT or NAME=URL; repeat it")
	f.StringVar(&g.Verify, "verify", "", "what must answer in the end: tcp:PORT, icmp, http:URL or none")
}

// group is what the flags and the file say.
func (g *groupFlags) group(cmd *cobra.Command, in io.Reader, args []string) (spec.Group, error) {
	f, err := g.read(in)
	if err != nil {
		return spec.Group{}, err
	}
	if len(args) > 0 {
		g.Name = args[0]
	}
	if f == nil && g.Name == "" {
		return spec.Group{}, ui.Usage(&usageError{err: fmt.Errorf("which group? give GROUP or -f FILE"), command: cmd.CommandPath()})
	}
	if cmd.Flags().Changed("preempt") {
		g.Preempt = &g.preempt
	}
	out, err := spec.Build(f, g.Flags)
	if err != nil {
		return spec.Group{}, ui.Usage(err)
	}
	return out, nil
}

func (g *groupFlags) read(in io.Reader) (*spec.File, error) {
	if g.file == "" {
		return nil, nil
	}
	data, err := readFile(g.file, in)
	if err != nil {
		return nil, ui.Usage(fmt.Errorf("read group file: %w", err))
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
func (g *groupFlags) selection(cmd *cobra.Command, in io.Reader, args []string) (provision.Selection, string, error) {
	if g.file != "" {
		group, err := g.group(cmd, in, args)
		if err != nil {
			return provision.Selection{}, "", err
		}
		return provision.Selection{Name: group.Name, File: &group, SSH: group.SSH}, group.Cloud, nil
	}
	if len(args) == 0 {
		return provision.Selection{}, "", ui.Usage(&usageError{err: fmt.Errorf("which group? give GROUP or -f FILE"), command: cmd.CommandPath()})
	}
	way, err := spec.Way(args[0], g.Flags)
	if err != nil {
		return provision.Selection{}, "", ui.Usage(err)
	}
	return provision.Selection{Name: args[0], SSH: way}, "", nil
}
