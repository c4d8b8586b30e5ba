package field

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/vishvananda/netlink"
)

// frrDaemons is where Debian has them.
const frrDaemons = "/usr/lib/frr/"

// frrKeeper runs a daemon as PID 1 of a namespace. A daemon that changes its user
// no longer dies with who started it; its namespace does, with the keeper.
const frrKeeper = `trap 'kill $!' TERM; "$@" & wait; wait`

// FRR is FRR's vrrpd in a node, and the zebra that tells it of devices.
type FRR struct {
	VRRPD, Zebra *Process
	n            *Node
	vty          string // folder of the sockets for vtysh
}

// FRR starts FRR with one router, which may have addresses of both families.
// FRR wants its addresses on macvlans with the virtual MAC, and switches those
// on and off: an address is always there, and counts while its device is up.
func (n *Node) FRR(r VRRP) *FRR {
	n.f.t.Helper()
	n.f.Need(frrDaemons + "vrrpd")
	who, err := user.Lookup("frr")
	must(n.f.t, err)
	uid, err := strconv.Atoi(who.Uid)
	must(n.f.t, err)
	gid, err := strconv.Atoi(who.Gid)
	must(n.f.t, err)
	n.macvlans(r)
	dir := n.folder("frr", uid, gid)
	file := func(name string) string { return filepath.Join(dir, name) }
	must(n.f.t, os.WriteFile(file("zebra.conf"), nil, 0o644))
	must(n.f.t, os.WriteFile(file("vrrpd.conf"), []byte(frrConf(r)), 0o644))
	start := func(daemon string) *Process {
		return n.Start(syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}, "sh", "-c", frrKeeper, "sh", frrDaemons+daemon, "--config_file", file(daemon+".conf"),
			"--pid_file", file(daemon+".pid"), "--socket", file("zserv.api"), "--vty_socket", dir,
			"--vty_port", "0", "--user", "frr", "--group", "frr", "--log", "stdout")
	}
	f := &FRR{n: n, vty: dir}
	f.Zebra = start("zebra")
	// vrrpd that finds no zebra asks again after seconds.
	Eventually(n.f.t, "zebra answers on "+n.Name, func() bool {
		c, err := net.Dial("unix", file("zserv.api"))
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	f.VRRPD = start("vrrpd")
	return f
}

// macvlans makes the devices that vrrpd looks for by their MACs.
func (n *Node) macvlans(r VRRP) {
	n.f.t.Helper()
	links := n.Space.Links()
	for key, value := range map[string]string{
		"ipv4/conf/all/arp_ignore":   "1", // the NIC does not answer for the macvlans,
		"ipv4/conf/all/arp_announce": "2", // nor ask in their name
		"ipv4/conf/all/rp_filter":    "2", // both are on one network
	} {
		must(n.f.t, n.Space.Set(key, value))
	}
	for _, family := range []Family{IPv4, IPv6} {
		var addresses []*netlink.Addr
		for _, p := range r.Addresses {
			if p.Addr().Is6() == (family == IPv6) {
				addresses = append(addresses, &netlink.Addr{IPNet: ipNet(p)})
			}
		}
		name := fmt.Sprintf("vrrp%d-%d", int(family), r.VRID)
		if _, err := links.LinkByName(name); err == nil || len(addresses) == 0 {
			continue // of an earlier FRR
		}
		attrs := netlink.NewLinkAttrs()
		attrs.Name = name
		attrs.ParentIndex = link(n.f.t, n.Space, Device).Attrs().Index
		// RFC 9568 section 7.3
		attrs.HardwareAddr = net.HardwareAddr{0, 0, 0x5e, 0, 1, byte(r.VRID)}
		if family == IPv6 {
			attrs.HardwareAddr[4] = 2
		}
		device := &netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_BRIDGE}
		must(n.f.t, links.LinkAdd(device))
		for _, a := range addresses {
			must(n.f.t, links.AddrAdd(device, a))
		}
		must(n.f.t, links.LinkSetUp(device))
	}
}

// frrConf is the file as FRR's documentation of vrrpd has it.
func frrConf(r VRRP) string {
	var b strings.Builder
	fmt.Fprintf(&b, "interface %s\n vrrp %d version %d\n", Device, r.VRID, r.Version)
	fmt.Fprintf(&b, " vrrp %d priority %d\n vrrp %d advertisement-interval %d\n", r.VRID, r.Priority, r.VRID, r.Interval.Milliseconds())
	if r.NoPreempt {
		fmt.Fprintf(&b, " no vrrp %d preempt\n", r.VRID)
	}
	for _, a := range r.Addresses {
		word := "ip"
		if a.Addr().Is6() {
			word = "ipv6"
		}
		fmt.Fprintf(&b, " vrrp %d %s %v\n", r.VRID, word, a.Addr())
	}
	return b.String()
}

// State is what vrrpd says of a family: Master, Backup or Initialize. It is
// empty while vrrpd does not answer.
func (f *FRR) State(family Family) string {
	out, err := f.n.Try("vtysh", "--vty_socket", f.vty, "-d", "vrrpd", "-c", "show vrrp")
	if err != nil {
		return ""
	}
	want := fmt.Sprintf("Status (v%d)", int(family))
	for line := range strings.Lines(out) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), want); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// Becomes waits for a state of a family.
func (f *FRR) Becomes(family Family, state string) {
	f.n.f.t.Helper()
	last := ""
	EventuallyOr(f.n.f.t, func() bool {
		last = f.State(family)
		return last == state
	}, func() string {
		return fmt.Sprintf("FRR on %s becomes %s (%v), it is %q", f.n.Name, state, family, last)
	})
}

// Stop has both say goodbye.
func (f *FRR) Stop() {
	f.n.f.t.Helper()
	f.VRRPD.Stop()
	f.Zebra.Stop()
}

// Kill ends both without a last word.
func (f *FRR) Kill() {
	f.VRRPD.Kill()
	f.Zebra.Kill()
}
