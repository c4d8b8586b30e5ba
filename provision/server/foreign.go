package server

import (
	"encoding/base64"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/havip/havip/provision/plan"
)

// foreignParser gathers the VRRP daemons that are not ours. Only those that
// run count; what they hold is read from their configuration files.
type foreignParser struct {
	found      []process
	keepalived claims
	frr        claims
}

type process struct {
	name        string
	pid, parent int
	args        []string
}

// claims are the VRIDs and addresses that a configuration names.
type claims struct {
	vrids     []int
	addresses []netip.Addr
}

func (c *claims) vrid(word string) {
	if n, err := strconv.Atoi(word); err == nil && n >= 1 && n <= 255 && !slices.Contains(c.vrids, n) {
		c.vrids = append(c.vrids, n)
	}
}

func (c *claims) address(word string) {
	word, _, _ = strings.Cut(word, "/")
	if a, err := netip.ParseAddr(word); err == nil && !slices.Contains(c.addresses, a) {
		c.addresses = append(c.addresses, a)
	}
}

func (p *foreignParser) fact(word string, v []string) error {
	decode := func(s string) (string, error) {
		b, err := base64.StdEncoding.DecodeString(s)
		return string(b), err
	}
	switch word {
	case "foreign":
		args, err := decode(v[3])
		if err != nil {
			return err
		}
		pid, err := strconv.Atoi(v[1])
		if err != nil {
			return err
		}
		parent, _ := strconv.Atoi(v[2]) // it may have ended meanwhile
		p.found = append(p.found, process{name: v[0], pid: pid, parent: parent, args: strings.Fields(args)})
	case "keepalived":
		text, err := decode(v[0])
		if err != nil {
			return err
		}
		p.keepalived.readKeepalived(text)
	case "frr":
		text, err := decode(v[0])
		if err != nil {
			return err
		}
		p.frr.readFRR(text)
	}
	return nil
}

// daemons lists them; the children that keepalived keeps are left out.
func (p *foreignParser) daemons() []plan.Foreign {
	var out []plan.Foreign
	for _, proc := range p.found {
		child := func(other process) bool { return other.pid == proc.parent && other.name == proc.name }
		if slices.ContainsFunc(p.found, child) {
			continue
		}
		var c claims
		switch {
		case proc.name == "keepalived":
			c = p.keepalived
		case proc.name == "vrrpd" && len(p.frr.vrids) > 0:
			c = p.frr
		default:
			c.readArgs(proc.args)
		}
		out = append(out, plan.Foreign{Name: proc.name, PID: proc.pid, VRIDs: c.vrids, Addresses: c.addresses})
	}
	return out
}

// readKeepalived reads keepalived.conf(5): virtual_router_id N, and blocks
// virtual_ipaddress { ADDRESS[/LEN] ... } with one address a line.
func (c *claims) readKeepalived(text string) {
	inside := false
	for line := range strings.Lines(text) {
		if i := strings.IndexAny(line, "#!"); i >= 0 {
			line = line[:i]
		}
		// Braces stand alone or stick to a word.
		words := strings.Fields(strings.NewReplacer("{", " { ", "}", " } ").Replace(line))
		for i, w := range words {
			switch {
			case w == "virtual_router_id" && i+1 < len(words):
				c.vrid(words[i+1])
			case w == "virtual_ipaddress" || w == "virtual_ipaddress_excluded":
				inside = true
			case w == "}":
				inside = false
			case inside && (i == 0 || words[i-1] == "{"):
				c.address(w)
			}
		}
	}
}

// readFRR reads frr.conf: vrrp N ..., vrrp N ip ADDRESS, vrrp N ipv6 ADDRESS.
func (c *claims) readFRR(text string) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "vrrp" {
			continue
		}
		c.vrid(words[1])
		if len(words) >= 4 && (words[2] == "ip" || words[2] == "ipv6") {
			c.address(words[3])
		}
	}
}

// readArgs reads a command line: vrrpd -v N ADDRESS, ucarp --vhid=N
// --addr=ADDRESS (CARP is another protocol with the same number, 112).
func (c *claims) readArgs(args []string) {
	for i, arg := range args {
		name, value, joined := strings.Cut(arg, "=")
		if !joined && i+1 < len(args) {
			value = args[i+1]
		}
		switch name {
		case "-v", "--vhid":
			c.vrid(value)
		case "-a", "--addr":
			c.address(value)
		default:
			c.address(arg)
		}
	}
}
