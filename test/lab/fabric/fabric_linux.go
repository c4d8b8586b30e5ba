package fabric

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/vishvananda/netlink"

	"github.com/havip/havip/openstack/openstacktest"
	"github.com/havip/havip/test/lab/filter"
	"github.com/havip/havip/test/lab/space"
)

// Options say how the fabric behaves where clouds differ.
type Options struct {
	// Claim makes it behave as OVN: a server's announcement is reported here,
	// and a floating IP goes to its Carrier. Nil: neighbour tables decide.
	Claim func(portID string, address netip.Addr)
}

// Fabric is the switch, its routers and the workstation.
type Fabric struct {
	options Options
	here    *space.Space // the switch
	outside *space.Space // the workstation

	mu      sync.Mutex
	view    openstacktest.View
	rules   string // of the switch, as they were written last
	bridges map[string]bool
	plugs   map[string]*plug // by port
	routers map[string]*router
	out     map[string]string // the workstation's devices by external network
	routes  []netip.Prefix    // of the workstation
}

// plug is a server's wire.
type plug struct {
	network string
	cut     bool
	stop    func() // ends the listening for announcements
}

// New makes here the switch, and outside the workstation. Both are new
// namespaces; one with a network in it is refused, since it would lose it.
func New(here, outside *space.Space, o Options) (*Fabric, error) {
	for _, s := range []*space.Space{here, outside} {
		if err := unused(s); err != nil {
			return nil, err
		}
	}
	f := &Fabric{
		options: o, here: here, outside: outside,
		bridges: make(map[string]bool), plugs: make(map[string]*plug),
		routers: make(map[string]*router), out: make(map[string]string),
	}
	settings := []struct{ name, value string }{
		// The switch has no address: it only passes frames on.
		{"ipv6/conf/all/disable_ipv6", "1"},
		{"ipv6/conf/default/disable_ipv6", "1"},
		// Connections are tracked in bridged frames too.
		{"bridge/bridge-nf-call-iptables", "1"},
		{"bridge/bridge-nf-call-ip6tables", "1"},
		{"bridge/bridge-nf-call-arptables", "0"},
	}
	for _, s := range settings {
		err := here.Set(s.name, s.value)
		if strings.HasPrefix(s.name, "ipv6/") && errors.Is(err, fs.ErrNotExist) {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, err
		}
	}
	return f, nil
}

// unused refuses a namespace in which a device other than loopback is up.
func unused(s *space.Space) error {
	all, err := s.Links().LinkList()
	if err != nil {
		return fmt.Errorf("list devices: %w", err)
	}
	for _, l := range all {
		if a := l.Attrs(); a.Flags&net.FlagLoopback == 0 && a.Flags&net.FlagUp != 0 {
			return fmt.Errorf("make a switch: the namespace is in use, device %s is up there", a.Name)
		}
	}
	return nil
}

// Close lets go of the routers' namespaces.
func (f *Fabric) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for _, p := range f.plugs {
		p.stop()
	}
	for _, r := range f.routers {
		errs = append(errs, r.space.Close())
	}
	return errors.Join(errs...)
}

// Update makes everything what v says. The rules come before the wires: no
// port is ever open that must not be.
func (f *Fabric) Update(v openstacktest.View) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.view = v
	if err := f.updateBridges(); err != nil {
		return err
	}
	if err := f.dropLost(); err != nil {
		return err
	}
	if err := f.updateRules(); err != nil {
		return err
	}
	if err := f.updateRouters(); err != nil {
		return err
	}
	return f.updateOutside()
}

func (f *Fabric) updateBridges() error {
	links := f.here.Links()
	wanted := make(map[string]bool)
	for _, n := range f.view.Networks {
		wanted[n.ID] = true
		if f.bridges[n.ID] {
			continue
		}
		attrs := netlink.NewLinkAttrs()
		attrs.Name = filter.Bridge(n.ID)
		snoop := false
		bridge := &netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &snoop}
		if err := links.LinkAdd(bridge); err != nil {
			return fmt.Errorf("make the bridge of network %q: %w", n.Name, err)
		}
		if err := links.LinkSetUp(bridge); err != nil {
			return fmt.Errorf("switch on the bridge of network %q: %w", n.Name, err)
		}
		f.bridges[n.ID] = true
	}
	for id := range f.bridges {
		if wanted[id] {
			continue
		}
		if err := f.remove(f.here, filter.Bridge(id)); err != nil {
			return err
		}
		delete(f.bridges, id)
	}
	return nil
}

// updateRules writes the switch's rules when they differ. What was a
// connection under the old ones must show itself anew, as Neutron does it when
// a rule goes.
func (f *Fabric) updateRules() error {
	set := filter.Compute(f.view)
	text := set.String()
	if text == f.rules {
		return nil
	}
	err := f.here.Do(func() error {
		if err := filter.Apply(set); err != nil {
			return err
		}
		if err := netlink.ConntrackTableFlush(netlink.ConntrackTable); err != nil {
			return fmt.Errorf("forget connections: %w", err)
		}
		return nil
	})
	if err == nil {
		f.rules = text
	}
	return err
}

// remove deletes a device, if it is there.
func (f *Fabric) remove(in *space.Space, name string) error {
	link, err := in.Links().LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err == nil {
		err = in.Links().LinkDel(link)
	}
	if err != nil {
		return fmt.Errorf("remove device %s: %w", name, err)
	}
	return nil
}

func (f *Fabric) port(id string) (openstacktest.Port, bool) {
	i := slices.IndexFunc(f.view.Ports, func(p openstacktest.Port) bool { return p.ID == id })
	if i < 0 {
		return openstacktest.Port{}, false
	}
	return f.view.Ports[i], true
}

func (f *Fabric) subnet(id string) (openstacktest.Subnet, bool) {
	i := slices.IndexFunc(f.view.Subnets, func(s openstacktest.Subnet) bool { return s.ID == id })
	if i < 0 {
		return openstacktest.Subnet{}, false
	}
	return f.view.Subnets[i], true
}
