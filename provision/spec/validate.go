package spec

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/strict"
)

// modeUnicast is the one mode so far: advertisements go to each peer.
const modeUnicast = "unicast"

func (b *builder) validate() {
	d := b.content
	if b.file != nil {
		switch {
		case !b.file.doc.Has("version"):
			b.report("version", "is missing", "begin the file with version: 1")
		case d.Version != fileVersion:
			b.report("version", fmt.Sprintf("this havip reads version %d of the group file, got %d", fileVersion, d.Version), fmt.Sprintf("write version: %d, or use the havip that the file was written for", fileVersion))
		}
	}
	report := strict.Report(b.report)
	config.ValidateGroup(d.Name, report.Under("name"))
	validateRef(d.Cloud, report.Under("cloud"))
	b.validateServers(report)
	b.validateVIPs(report)
	config.ValidateInterval(time.Duration(d.VRRP.Interval), 3, report.Under("vrrp.interval"))
	config.ValidateDelays(d.VRRP.Preempt, d.VRRP.PreemptDelay, d.VRRP.StartDelay, report.Under("vrrp"))
	config.ValidateAnnounce(d.VRRP.Announce, report.Under("vrrp.announce"))
	if d.VRRP.Version != 3 {
		report("vrrp.version", fmt.Sprintf("this version of havip does not speak VRRP version %d yet", d.VRRP.Version), "write 3, or take the key away")
	}
	if d.VRRP.Mode != modeUnicast {
		report("vrrp.mode", fmt.Sprintf("this version of havip does not do %q yet", d.VRRP.Mode), "write unicast, or take the key away")
	}
	config.ValidateChecks(d.Checks, report)
	validateSSH(d.SSH, report.Under("ssh"))
}

func (b *builder) validateServers(report strict.Report) {
	servers := b.content.Servers
	const hint = "list two servers or more, in the file under servers or with --server NAME for each"
	switch len(servers) {
	case 0:
		report("servers", "is missing", hint)
	case 1:
		report("servers", "a group of one server has nothing to fail over to", hint)
	}
	names, ports, hosts := map[string]int{}, map[string]int{}, map[string]int{}
	// once reports a value that an earlier server has too.
	once := func(seen map[string]int, value, field string, i int) {
		if other, taken := seen[value]; taken && value != "" {
			report(fmt.Sprintf("servers[%d]%s", i, field), fmt.Sprintf("%q is listed twice, first at servers[%d]", value, other), "name each one once")
			return
		}
		seen[value] = i
	}
	for i, s := range servers {
		under := report.Under(fmt.Sprintf("servers[%d]", i))
		if s.Name == "" {
			under("name", "is missing", "give the server's name or ID")
		}
		validateRef(s.Name, under.Under("name"))
		validateRef(s.Port, under.Under("port"))
		validateWord(s.SSH.Host, under.Under("ssh.host"))
		validateUser(s.SSH.User, under.Under("ssh.user"))
		once(names, s.Name, "", i)
		once(ports, s.Port, ".port", i)
		if s.SSH.Host != "" {
			// One host with two ports is two servers behind one address.
			once(hosts, net.JoinHostPort(s.SSH.Host, fmt.Sprint(s.SSH.Port)), ".ssh.host", i)
		}
	}
}

func (b *builder) validateVIPs(report strict.Report) {
	vips := b.content.VIPs
	if len(vips) == 0 {
		report("vips", "is missing", "say which network the address is in, in the file under vips or with --network NAME")
	}
	for i, v := range vips {
		field := fmt.Sprintf("vips[%d]", i)
		under := report.Under(field)
		if i > 0 {
			under("", "this version of havip moves one address", "make a group of its own for the other one")
		}
		if v.Network == "" {
			under("network", "is missing", "give the network's name or ID")
		}
		validateRef(v.Network, under.Under("network"))
		validateRef(v.Subnet, under.Under("subnet"))
		if v.Address.IsValid() {
			validateIPv4(v.Address, under.Under("address"))
		}
		validateRef(v.FloatingIP.Network, under.Under("floating_ip.network"))
		switch a := v.FloatingIP.address; {
		case a.IsValid() && a == v.Address:
			under("floating_ip", fmt.Sprintf("%s is the VIP itself", a), "a floating IP is an address of the external network")
		case a.IsValid():
			validateIPv4(a, under.Under("floating_ip"))
		}
	}
}

// validateIPv4 checks an address of the family that havip sets up. The agent
// speaks both.
func validateIPv4(a netip.Addr, report strict.Report) {
	if config.ValidateAddress(a, report) && a.Is6() {
		report("", fmt.Sprintf("%s is IPv6, in which this version of havip sets up no group yet", a), "give an IPv4 address")
	}
}

func validateSSH(s ssh, report strict.Report) {
	validateUser(s.User, report.Under("user"))
	for i, hop := range s.Jump {
		if !validJump(hop) {
			report(fmt.Sprintf("jump[%d]", i), fmt.Sprintf("want [USER@]HOST[:PORT], got %q", hop), "an IPv6 address goes into brackets: [fd00::1]:22")
		}
	}
	switch s.HostKeys {
	case KnownHosts, Console, AcceptNew:
	default:
		report("host_keys", fmt.Sprintf("want %s, %s or %s, got %q", KnownHosts, Console, AcceptNew, s.HostKeys), "host keys are always verified")
	}
}

// validateRef checks a name or an ID in the cloud. OpenStack takes nearly
// anything, up to 255 characters.
func validateRef(s string, report strict.Report) {
	if strings.TrimSpace(s) != s || len(s) > 4*255 || strings.ContainsFunc(s, unicode.IsControl) {
		report("", fmt.Sprintf("%q cannot be a name or an ID", s), "")
	}
}

func validateUser(s string, report strict.Report) {
	validateWord(s, report)
	if strings.ContainsAny(s, "@:") {
		report("", fmt.Sprintf("want a login name, got %q", s), "")
	}
}

// validateWord checks what becomes an argument of ssh: it must not be taken
// for an option.
func validateWord(s string, report strict.Report) {
	if s != "" && !validWord(s) {
		report("", fmt.Sprintf("%q cannot be a host or a user of SSH", s), "")
	}
}

func validWord(s string) bool {
	return s != "" && s[0] != '-' && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
}

func validJump(s string) bool {
	if at := strings.LastIndex(s, "@"); at >= 0 {
		if !validWord(s[:at]) {
			return false
		}
		s = s[at+1:]
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		// No port: a name, or an IPv6 address in brackets.
		host, port = s, "22"
		if inner, ok := strings.CutPrefix(s, "["); ok {
			host, ok = strings.CutSuffix(inner, "]")
			return ok && strings.Contains(host, ":") && validWord(host)
		}
		if strings.Contains(host, ":") {
			return false
		}
	}
	return validWord(host) && !strings.ContainsAny(host, "[]/") && config.ValidPort(port)
}
