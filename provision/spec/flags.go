package spec

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
)

// Flags is what the command line says of a group, as it was typed: "" and nil
// say nothing. Each one overrides the group file's value.
type Flags struct {
	Name  string // GROUP, the argument
	Cloud string // --os-cloud

	// Servers replace the file's list: "NAME", "ID" or "NAME=PORT". A server
	// that the file lists as well keeps what the file says of it.
	Servers []string // --server

	Network        string // --network
	Subnet         string // --subnet
	Address        string // --address
	FloatingIP     string // --floating-ip: an existing one
	FloatingIPFrom string // --floating-ip-from: allocate one from this network

	VRID     string   // --vrid: "auto" or 1 to 255
	Interval string   // --interval
	Preempt  *bool    // --preempt
	Checks   []string // --check, replace the file's: "NAME=tcp:[HOST:]PORT" or "NAME=URL"
	Verify   string   // --verify

	SSHUser     string   // --ssh-user
	SSHJump     []string // --ssh-jump, replace the file's; commas separate too, as in ssh -J
	SSHIdentity string   // --ssh-identity
	SSHConfig   string   // --ssh-config
	HostKeys    string   // --host-keys
}

// overlay puts the flags over what the file says.
func (b *builder) overlay(f Flags) {
	d := &b.content
	b.text(&d.Name, f.Name, "name", "GROUP")
	b.text(&d.Cloud, f.Cloud, "cloud", "--os-cloud")
	b.overlayServers(f.Servers)
	b.overlayVIP(f)
	b.parsed(&d.VRRP.ID, f.VRID, "vrrp.id", "--vrid")
	if f.Interval != "" {
		b.from["vrrp.interval"] = "--interval"
		if err := d.VRRP.Interval.UnmarshalText([]byte(f.Interval)); err != nil {
			b.report("vrrp.interval", fmt.Sprintf("want a duration such as 300ms or 1s, got %q", f.Interval), "")
			d.VRRP.Interval = api.Duration(DefaultInterval) // not to be reported again
		}
	}
	if f.Preempt != nil {
		d.VRRP.Preempt, b.from["vrrp.preempt"] = *f.Preempt, "--preempt"
	}
	b.overlayChecks(f.Checks)
	b.parsed(&d.Verify, f.Verify, "verify", "--verify")
	b.text(&d.SSH.User, f.SSHUser, "ssh.user", "--ssh-user")
	b.text(&d.SSH.Identity, f.SSHIdentity, "ssh.identity", "--ssh-identity")
	b.text(&d.SSH.Config, f.SSHConfig, "ssh.config", "--ssh-config")
	b.text((*string)(&d.SSH.HostKeys), f.HostKeys, "ssh.host_keys", "--host-keys")
	if len(f.SSHJump) > 0 {
		d.SSH.Jump, b.from["ssh.jump"] = strings.Split(strings.Join(f.SSHJump, ","), ","), "--ssh-jump"
	}
}

// text overlays a flag whose value is taken as it is.
func (b *builder) text(into *string, value, field, flag string) {
	if value != "" {
		*into, b.from[field] = value, flag
	}
}

// parsed overlays a flag whose value is read as in the file.
func (b *builder) parsed(into interface{ UnmarshalText([]byte) error }, value, field, flag string) {
	if value == "" {
		return
	}
	b.from[field] = flag
	if err := into.UnmarshalText([]byte(value)); err != nil {
		b.report(field, err.Error(), "")
	}
}

func (b *builder) overlayServers(flags []string) {
	if len(flags) == 0 {
		return
	}
	b.from["servers"] = "--server"
	known := map[string]server{}
	for _, s := range b.content.Servers {
		known[s.Name] = s
	}
	b.content.Servers = nil
	for _, flag := range flags {
		name, port, chosen := strings.Cut(flag, "=")
		if name == "" || chosen && port == "" {
			b.report("servers", fmt.Sprintf("want NAME or NAME=PORT, got %q", flag), "")
			name, port, chosen = cmp.Or(flag, "?"), "", false // it counts as one, so that nothing is said of too few
		}
		s := known[name]
		s.Name = name
		if chosen {
			s.Port = port
		}
		b.content.Servers = append(b.content.Servers, s)
	}
}

// overlayVIP puts the flags over the first VIP: with more than one, they
// could not tell which they mean.
func (b *builder) overlayVIP(f Flags) {
	if f.Network+f.Subnet+f.Address+f.FloatingIP+f.FloatingIPFrom == "" {
		return
	}
	if len(b.content.VIPs) == 0 {
		b.content.VIPs = []vip{{}}
	}
	v := &b.content.VIPs[0]
	b.text(&v.Network, f.Network, "vips[0].network", "--network")
	b.text(&v.Subnet, f.Subnet, "vips[0].subnet", "--subnet")
	b.address(&v.Address, f.Address, "vips[0].address", "--address")
	if f.FloatingIPFrom != "" {
		v.FloatingIP, b.from["vips[0].floating_ip"] = floatingIP{Network: f.FloatingIPFrom}, "--floating-ip-from"
	}
	if f.FloatingIP != "" {
		v.FloatingIP = floatingIP{}
		b.address(&v.FloatingIP.address, f.FloatingIP, "vips[0].floating_ip", "--floating-ip")
		if f.FloatingIPFrom != "" {
			b.report("vips[0].floating_ip", "is given together with --floating-ip-from", "give the address of an existing one, or the network to allocate one from")
		}
	}
}

func (b *builder) address(into *netip.Addr, value, field, flag string) {
	if value == "" {
		return
	}
	b.from[field] = flag
	a, err := netip.ParseAddr(value)
	if err != nil {
		hint := ""
		if flag == "--floating-ip" {
			hint = "to allocate one from a network use --floating-ip-from NETWORK"
		}
		b.report(field, fmt.Sprintf("want an IP address, got %q", value), hint)
	}
	*into = a
}

func (b *builder) overlayChecks(flags []string) {
	if len(flags) == 0 {
		return
	}
	b.from["checks"] = "--check"
	b.content.Checks = nil
	for _, flag := range flags {
		name, target, _ := strings.Cut(flag, "=")
		c := config.Check{Name: name}
		if tcp, ok := strings.CutPrefix(target, "tcp:"); !ok {
			c.HTTP = target
		} else if config.ValidPort(tcp) {
			c.TCP = ":" + tcp // as in --verify
		} else {
			c.TCP = tcp
		}
		if name == "" || target == "" {
			b.report("checks", fmt.Sprintf("want NAME=tcp:PORT, NAME=tcp:HOST:PORT or NAME=URL, got %q", flag), "")
			continue
		}
		b.content.Checks = append(b.content.Checks, c.WithDefaults())
	}
}
