package field

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// VRRP is how one of keepalived's or FRR's routers is configured.
type VRRP struct {
	Version   int // of VRRP: 2 or 3
	VRID      int
	Priority  int
	Interval  time.Duration
	NoPreempt bool
	Addresses []netip.Prefix
	Peers     []netip.Addr // keepalived only; none: multicast
	Source    netip.Addr   // keepalived only, of unicast
	Extra     []string     // keepalived only: more lines of the instance
	Global    []string     // keepalived only: more lines of global_defs
}

// Need skips the test where a program is not installed, or fails it when
// HAVIP_REQUIRE_NETNS=1.
func (f *Field) Need(program string) {
	f.t.Helper()
	_, err := exec.LookPath(program)
	switch {
	case err == nil:
	case os.Getenv("HAVIP_REQUIRE_NETNS") == "1":
		f.t.Fatalf("%v (HAVIP_REQUIRE_NETNS=1)", err)
	default:
		f.t.Skip(err)
	}
}

// Keepalived starts keepalived in the node, with its files in a folder of its
// own.
func (n *Node) Keepalived(routers ...VRRP) *Process {
	n.f.t.Helper()
	n.f.Need("keepalived")
	dir := n.folder("keepalived", 0, 0)
	conf := filepath.Join(dir, "keepalived.conf")
	must(n.f.t, os.WriteFile(conf, []byte(keepalivedConf(routers)), 0o644))
	return n.Start(syscall.SysProcAttr{}, "keepalived", "--dont-fork", "--log-console", "--log-detail", "--vrrp",
		"--use-file", conf, "--pid", filepath.Join(dir, "pid"), "--vrrp_pid", filepath.Join(dir, "vrrp.pid"))
}

// keepalivedConf is the file as keepalived.conf(5) has it.
func keepalivedConf(routers []VRRP) string {
	var b strings.Builder
	// Everyone's state is BACKUP: who becomes active is decided by VRRP.
	b.WriteString("global_defs {\n    router_id field\n")
	for _, r := range routers {
		for _, line := range r.Global {
			fmt.Fprintf(&b, "    %s\n", line)
		}
	}
	b.WriteString("}\n")
	for i, r := range routers {
		fmt.Fprintf(&b, "vrrp_instance field%d {\n    version %d\n    state BACKUP\n    interface %s\n", i, r.Version, Device)
		fmt.Fprintf(&b, "    virtual_router_id %d\n    priority %d\n    advert_int %g\n", r.VRID, r.Priority, r.Interval.Seconds())
		if r.NoPreempt {
			b.WriteString("    nopreempt\n")
		}
		if len(r.Peers) > 0 {
			fmt.Fprintf(&b, "    unicast_src_ip %v\n    unicast_peer {\n", r.Source)
			for _, p := range r.Peers {
				fmt.Fprintf(&b, "        %v\n", p)
			}
			b.WriteString("    }\n")
		}
		for _, line := range r.Extra {
			fmt.Fprintf(&b, "    %s\n", line)
		}
		b.WriteString("    virtual_ipaddress {\n")
		for _, a := range r.Addresses {
			fmt.Fprintf(&b, "        %v\n", a)
		}
		b.WriteString("    }\n}\n")
	}
	return b.String()
}
