package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/bundle"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/provision/plan"
	"github.com/havip/havip/provision/remote"
)

// facts is what was found, with what only this package needs.
type facts struct {
	host    plan.Host
	pending bool // a run was cut off
}

// Inspect looks at a server, by one command that changes nothing. Without root
// it sees less, and says so in Root.
func Inspect(ctx context.Context, r remote.Runner, group string) (plan.Host, error) {
	f, err := inspect(ctx, r, place{path: defaultPath}, group)
	return f.host, err
}

func inspect(ctx context.Context, r remote.Runner, p place, group string) (facts, error) {
	// Where sudo is refused the script runs as we are.
	command := p.command(inspectScript, map[string]string{"group": group}, `exec sh -c "$S"`)
	out, err := r.Run(ctx, command, nil)
	if err != nil {
		return facts{}, fmt.Errorf("inspect server: %w", err)
	}
	f, err := parseFacts(string(out), group)
	if err != nil {
		return facts{}, fmt.Errorf("inspect server: %w", err)
	}
	if c, ok := r.(interface {
		Address() string
		User() string
	}); ok {
		f.host.Address, f.host.User = c.Address(), c.User()
	}
	return f, nil
}

// parseFacts reads the output of inspect.sh.
func parseFacts(out, group string) (facts, error) {
	p := factParser{group: group}
	for line := range strings.Lines(out) {
		word, rest, _ := strings.Cut(strings.TrimRight(line, "\r\n"), "\t")
		var values []string
		if rest != "" {
			values = strings.Split(rest, "\t")
		}
		// What a login script prints before is passed over.
		if !p.begun && word != "havip" {
			continue
		}
		p.begun = true
		if err := p.fact(word, append(values, "", "", "", "")); err != nil {
			return facts{}, fmt.Errorf("read what it says of %q: %w", word, err)
		}
	}
	if !p.begun {
		return facts{}, fmt.Errorf("it did not answer as expected: %.100q", out)
	}
	p.finish()
	return p.facts, nil
}

type factParser struct {
	facts
	group   string
	begun   bool
	unit    string
	foreign foreignParser
}

// fact takes one line; v has values to spare.
func (p *factParser) fact(word string, v []string) error {
	h := &p.host
	var err error
	switch word {
	case "uid":
		h.Root = v[0] == "0"
	case "arch":
		h.Arch = goarch(v[0])
	case "init":
		h.Init = plan.Init(v[0])
	case "os":
		h.OS = v[0]
	case "nic":
		h.NICs = append(h.NICs, plan.NIC{Name: v[0], MAC: v[1]})
	case "addr":
		err = p.address(v[0], v[1])
	case "binary":
		h.Agent.BinarySHA256 = v[0]
	case "version":
		h.Agent.Version = agentVersion(v[0])
	case "unit":
		p.unit = v[0]
	case "pending":
		p.pending = true
	case "config":
		err = p.config(v[0])
	case "group":
		if !slices.Contains(h.Agent.Groups, v[0]) {
			h.Agent.Groups = append(h.Agent.Groups, v[0])
		}
	case "enabled":
		h.Agent.Enabled = true
	case "running":
		h.Agent.Running = true
	case "exe":
		h.Agent.RunsSHA256 = v[0]
	case "status":
		err = p.status(v[0])
	default:
		err = p.foreign.fact(word, v)
	}
	return err
}

// address adds one to its NIC. A NIC that came up in between is left out.
func (p *factParser) address(nic, address string) error {
	// A peer's address (point to point) stands in the place of a prefix.
	if !strings.Contains(address, "/") {
		if strings.Contains(address, ":") {
			address += "/128"
		} else {
			address += "/32"
		}
	}
	prefix, err := netip.ParsePrefix(address)
	if err != nil {
		return err
	}
	for i := range p.host.NICs {
		if p.host.NICs[i].Name == nic {
			p.host.NICs[i].Addresses = append(p.host.NICs[i].Addresses, prefix)
		}
	}
	return nil
}

func (p *factParser) config(encoded string) error {
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return err
	}
	p.host.Agent.ConfigSHA256 = bundle.Sum(data)
	// One that cannot be read is to be replaced, and no reason to fail.
	if c, err := config.Parse(data, "/etc/havip/"+p.group+".yaml"); err == nil {
		p.host.Agent.Config = &c
	}
	return nil
}

func (p *factParser) status(encoded string) error {
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return err
	}
	var st api.Status
	if err := json.Unmarshal(data, &st); err == nil { // else it does not answer
		p.host.Agent.Status = &st
	}
	return nil
}

// finish draws what follows from several lines.
func (p *factParser) finish() {
	a := &p.host.Agent
	if !p.pending { // else an installation that was cut off would be taken for done
		a.UnitSHA256 = p.unit
	}
	p.host.Foreign = p.foreign.daemons()
}

// goarch is what Go calls uname's machine.
func goarch(machine string) string {
	switch machine {
	case "x86_64":
		return "amd64"
	case "aarch64":
		return "arm64"
	default:
		return machine
	}
}

// agentVersion reads "havip-agent 0.3.0 (...)".
func agentVersion(line string) string {
	fields := strings.Fields(line)
	if len(fields) < 2 || fields[0] != "havip-agent" {
		return ""
	}
	return fields[1]
}

// newer tells whether version a is surely later than b. Versions that are not
// of the form 1.2.3 cannot be compared.
func newer(a, b string) bool {
	va, oka := release(a)
	vb, okb := release(b)
	if !oka || !okb {
		return false
	}
	for i := range va {
		if va[i] != vb[i] {
			return va[i] > vb[i]
		}
	}
	return false
}

// release reads 1.2.3, with or without "v" and what follows "-" or "+".
func release(s string) ([3]int, bool) {
	var v [3]int
	if i := strings.IndexAny(s, "-+"); i >= 0 {
		s = s[:i]
	}
	parts := strings.Split(strings.TrimPrefix(s, "v"), ".")
	if len(parts) != len(v) {
		return v, false
	}
	for i, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil {
			return v, false
		}
		v[i] = n
	}
	return v, true
}
