package spec

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/strict"
)

// fileVersion is the version of the group file that is read here.
const fileVersion = 1

// DefaultInterval is the advertisement interval of a group that gives none: a
// silent active is replaced in about a second.
const DefaultInterval = 300 * time.Millisecond

// DefaultStartDelay is how long a member only listens after its start unless
// the group file says otherwise: Neutron's agents open a port seconds after
// the API has answered, and until then nobody is heard.
const DefaultStartDelay = 3 * time.Second

// document is the group file as it is written. docs/group-file.md describes
// each key; a test compares the two.
type document struct {
	Version int            `yaml:"version"`
	Name    string         `yaml:"name"`
	Cloud   string         `yaml:"cloud"`
	Servers []server       `yaml:"servers"`
	VIPs    []vip          `yaml:"vips"`
	VRRP    vrrp           `yaml:"vrrp"`
	Checks  []config.Check `yaml:"checks"`
	Verify  Verify         `yaml:"verify"`
	SSH     ssh            `yaml:"ssh"`
}

type server struct {
	Name string    `yaml:"name"`
	Port string    `yaml:"port"`
	SSH  serverSSH `yaml:"ssh"`
}

type serverSSH struct {
	Host string  `yaml:"host"`
	Port sshPort `yaml:"port"`
	User string  `yaml:"user"`
}

type vip struct {
	Network    string     `yaml:"network"`
	Subnet     string     `yaml:"subnet"`
	Address    netip.Addr `yaml:"address"`
	FloatingIP floatingIP `yaml:"floating_ip"`
}

type floatingIP struct {
	Network string `yaml:"network"`
	address netip.Addr
}

type vrrp struct {
	ID       vrid         `yaml:"id"`
	Interval api.Duration `yaml:"interval"`
	Preempt  bool         `yaml:"preempt"`
	Version  int          `yaml:"version"`
	Mode     string       `yaml:"mode"`

	PreemptDelay api.Duration    `yaml:"preempt_delay"`
	StartDelay   api.Duration    `yaml:"start_delay"`
	Announce     config.Announce `yaml:"announce"`
}

type ssh struct {
	User     string   `yaml:"user"`
	Jump     []string `yaml:"jump"`
	Identity string   `yaml:"identity"`
	Config   string   `yaml:"config"`
	HostKeys HostKeys `yaml:"host_keys"`
}

// defaults is the group file that says nothing.
func defaults() document {
	return document{
		VRRP: vrrp{
			Interval: api.Duration(DefaultInterval), Version: 3, Mode: modeUnicast,
			StartDelay: api.Duration(DefaultStartDelay),
			Announce:   config.Announce{Refresh: config.DefaultRefresh},
		},
		Verify: Verify{Kind: VerifyTCP, Port: 22},
		SSH:    ssh{HostKeys: KnownHosts},
	}
}

// UnmarshalNode implements strict.Unmarshaler: a server is its name, or a
// mapping where there is more to say.
func (s *server) UnmarshalNode(n strict.Node) {
	if n.IsScalar() {
		n.Decode(&s.Name)
		return
	}
	type plain server
	n.Decode((*plain)(s))
}

// UnmarshalNode implements strict.Unmarshaler: a floating IP is its address,
// or the network to allocate one from.
func (f *floatingIP) UnmarshalNode(n strict.Node) {
	if n.IsScalar() {
		var text string
		n.Decode(&text)
		a, err := netip.ParseAddr(text)
		if err != nil {
			n.Refuse(fmt.Sprintf("want an IP address, got %q", text), fmt.Sprintf("to allocate one from a network write {network: %s}", text))
		}
		f.address = a
		return
	}
	type plain floatingIP
	n.Decode((*plain)(f))
	if !n.Has("network") {
		n.Refuse("want an IP address, or {network: NAME} to allocate one", "")
	}
}

// vrid is 1 to 255, or 0 for auto.
type vrid int

// UnmarshalText implements encoding.TextUnmarshaler.
func (v *vrid) UnmarshalText(text []byte) error {
	if string(text) == "auto" {
		*v = 0
		return nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 1 || n > 255 {
		return fmt.Errorf("want auto, or 1 to 255, got %q", text)
	}
	*v = vrid(n)
	return nil
}

// sshPort is 1 to 65535, or 0 where none is given.
type sshPort int

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *sshPort) UnmarshalText(text []byte) error {
	if !config.ValidPort(string(text)) {
		return fmt.Errorf("want 1 to 65535, got %q", text)
	}
	n, err := strconv.Atoi(string(text))
	*p = sshPort(n)
	return err
}
