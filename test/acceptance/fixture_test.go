//go:build acceptance

package acceptance

import (
	"context"
	_ "embed"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/routers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/gophercloud/utils/v2/openstack/clientconfig"
)

//go:embed testdata/userdata.sh
var userdata []byte

// site is what the tests are told of the cloud.
type site struct {
	bin      string // havip
	image    string
	flavor   string
	external string // name of the external network
	key      string // private key file
	user     string // login on the servers
}

func siteFromEnv() (site, error) {
	s := site{}
	var missing []string
	get := func(name string) string {
		v := os.Getenv(name)
		if v == "" {
			missing = append(missing, name)
		}
		return v
	}
	s.bin, s.image, s.flavor = get("HAVIP_BIN"), get("HAVIP_ACC_IMAGE"), get("HAVIP_ACC_FLAVOR")
	s.external, s.key, s.user = get("HAVIP_ACC_EXTERNAL"), get("HAVIP_ACC_KEY"), get("HAVIP_ACC_USER")
	get("OS_CLOUD")
	if missing != nil {
		return s, fmt.Errorf("set %s (make acceptance does)", strings.Join(missing, ", "))
	}
	return s, nil
}

// world is the tenant's own things, made once for all tests: a network with a
// router, three servers with a floating IP each, and one floating IP to give
// to a VIP.
type world struct {
	site
	prefix  string // of every name
	dir     string // SSH configuration and known_hosts
	servers []*host
	vipFIP  string // address

	network, subnet       string // IDs
	cleanup               []func(context.Context) error
	compute, neut, images *gophercloud.ServiceClient
}

// host is one server of the world.
type host struct {
	world *world
	name  string
	id    string
	port  string // ID
	fixed string
	fip   string
}

// cidr is the world's own subnet; the VIPs of the tests are in its upper part,
// outside the allocation pool's beginning.
const cidr = "10.77.0.0/24"

// the is the world of this run.
var the *world

func TestMain(m *testing.M) {
	log.SetFlags(log.Ltime)
	s, err := siteFromEnv()
	if err != nil {
		log.Fatal("acceptance: ", err)
	}
	os.Exit(run(m, s))
}

func run(m *testing.M, s site) (code int) {
	ctx := context.Background()
	began := time.Now()
	dir, err := os.MkdirTemp("", "havip-acceptance-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	the = &world{site: s, prefix: fmt.Sprintf("acc%d-", os.Getpid()), dir: dir}
	defer func() {
		if left := the.destroy(ctx); left != nil && code == 0 {
			log.Print("acceptance: not everything was cleaned up: ", left)
			code = 1
		}
	}()
	if err := the.build(ctx); err != nil {
		log.Print("acceptance: build the fixture: ", err)
		return 1
	}
	log.Printf("acceptance: %d servers ready in %.0f s", len(the.servers), time.Since(began).Seconds())
	return m.Run()
}

// undo remembers how to take away what was just made.
func (w *world) undo(f func(context.Context) error) { w.cleanup = append(w.cleanup, f) }

// destroy takes the world away, newest first, each with some patience: a port
// is in use until its server is gone.
func (w *world) destroy(ctx context.Context) error {
	var left []string
	for i := len(w.cleanup) - 1; i >= 0; i-- {
		err := eventually(time.Minute, func() error {
			err := w.cleanup[i](ctx)
			if gophercloud.ResponseCodeIs(err, 404) {
				return nil
			}
			return err
		})
		if err != nil {
			left = append(left, err.Error())
		}
	}
	if left != nil {
		return fmt.Errorf("%s", strings.Join(left, "; "))
	}
	return nil
}

// connect logs in as OS_CLOUD says.
func (w *world) connect(ctx context.Context) (err error) {
	if w.compute, err = clientconfig.NewServiceClient(ctx, "compute", nil); err != nil {
		return err
	}
	if w.neut, err = clientconfig.NewServiceClient(ctx, "network", nil); err != nil {
		return err
	}
	w.images, err = clientconfig.NewServiceClient(ctx, "image", nil)
	return err
}

func (w *world) build(ctx context.Context) error {
	if err := w.connect(ctx); err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	image, flavor, external, err := w.look(ctx)
	if err != nil {
		return err
	}
	pub, err := os.ReadFile(w.key + ".pub")
	if err != nil {
		return err
	}
	key := w.prefix + "key"
	if _, err := keypairs.Create(ctx, w.compute, keypairs.CreateOpts{Name: key, PublicKey: string(pub)}).Extract(); err != nil {
		return fmt.Errorf("keypair: %w", err)
	}
	w.undo(func(ctx context.Context) error { return keypairs.Delete(ctx, w.compute, key, nil).ExtractErr() })
	group, err := w.buildNetwork(ctx, external)
	if err != nil {
		return err
	}
	for i := range 3 {
		if err := w.addServer(ctx, fmt.Sprintf("%sbastion-%d", w.prefix, i+1), image, flavor, external, key, group); err != nil {
			return err
		}
	}
	f, err := floatingips.Create(ctx, w.neut, floatingips.CreateOpts{FloatingNetworkID: external}).Extract()
	if err != nil {
		return fmt.Errorf("floating IP: %w", err)
	}
	w.undo(func(ctx context.Context) error { return floatingips.Delete(ctx, w.neut, f.ID).ExtractErr() })
	w.vipFIP = f.FloatingIP
	if err := w.writeSSHConfig(); err != nil {
		return err
	}
	for _, h := range w.servers {
		if err := h.ready(); err != nil {
			return err
		}
	}
	return nil
}

// look finds the image, the flavor and the external network by name.
func (w *world) look(ctx context.Context) (image, flavor, external string, err error) {
	ip, err := images.List(w.images, images.ListOpts{Name: w.image}).AllPages(ctx)
	if err != nil {
		return "", "", "", fmt.Errorf("images: %w", err)
	}
	found, err := images.ExtractImages(ip)
	if err != nil || len(found) == 0 {
		return "", "", "", fmt.Errorf("no image %q (%v)", w.image, err)
	}
	fp, err := flavors.ListDetail(w.compute, flavors.ListOpts{}).AllPages(ctx)
	if err != nil {
		return "", "", "", fmt.Errorf("flavors: %w", err)
	}
	all, err := flavors.ExtractFlavors(fp)
	if err != nil {
		return "", "", "", err
	}
	for _, f := range all {
		if f.Name == w.flavor {
			flavor = f.ID
		}
	}
	np, err := networks.List(w.neut, networks.ListOpts{Name: w.external}).AllPages(ctx)
	if err != nil {
		return "", "", "", fmt.Errorf("networks: %w", err)
	}
	nets, err := networks.ExtractNetworks(np)
	if err != nil || len(nets) != 1 || flavor == "" {
		return "", "", "", fmt.Errorf("flavor %q or network %q not found (%v)", w.flavor, w.external, err)
	}
	return found[0].ID, flavor, nets[0].ID, nil
}

// buildNetwork makes network, subnet, router and a security group whose
// egress is locked: havip must not open it.
func (w *world) buildNetwork(ctx context.Context, external string) (group string, err error) {
	n, err := networks.Create(ctx, w.neut, networks.CreateOpts{Name: w.prefix + "net"}).Extract()
	if err != nil {
		return "", fmt.Errorf("network: %w", err)
	}
	w.network = n.ID
	w.undo(func(ctx context.Context) error { return networks.Delete(ctx, w.neut, n.ID).ExtractErr() })
	s, err := subnets.Create(ctx, w.neut, subnets.CreateOpts{
		Name: w.prefix + "subnet", NetworkID: n.ID, IPVersion: gophercloud.IPv4, CIDR: cidr,
		AllocationPools: []subnets.AllocationPool{{Start: "10.77.0.10", End: "10.77.0.199"}},
	}).Extract()
	if err != nil {
		return "", fmt.Errorf("subnet: %w", err)
	}
	w.subnet = s.ID
	r, err := routers.Create(ctx, w.neut, routers.CreateOpts{
		Name: w.prefix + "router", GatewayInfo: &routers.GatewayInfo{NetworkID: external},
	}).Extract()
	if err != nil {
		return "", fmt.Errorf("router: %w", err)
	}
	w.undo(func(ctx context.Context) error { return routers.Delete(ctx, w.neut, r.ID).ExtractErr() })
	if _, err := routers.AddInterface(ctx, w.neut, r.ID, routers.AddInterfaceOpts{SubnetID: s.ID}).Extract(); err != nil {
		return "", fmt.Errorf("router interface: %w", err)
	}
	w.undo(func(ctx context.Context) error {
		_, err := routers.RemoveInterface(ctx, w.neut, r.ID, routers.RemoveInterfaceOpts{SubnetID: s.ID}).Extract()
		return err
	})
	return w.buildGroup(ctx)
}

func (w *world) buildGroup(ctx context.Context) (string, error) {
	g, err := groups.Create(ctx, w.neut, groups.CreateOpts{Name: w.prefix + "locked"}).Extract()
	if err != nil {
		return "", fmt.Errorf("security group: %w", err)
	}
	w.undo(func(ctx context.Context) error { return groups.Delete(ctx, w.neut, g.ID).ExtractErr() })
	for _, r := range g.Rules {
		if err := rules.Delete(ctx, w.neut, r.ID).ExtractErr(); err != nil {
			return "", fmt.Errorf("default rule: %w", err)
		}
	}
	add := func(dir rules.RuleDirection, proto rules.RuleProtocol, port int) error {
		o := rules.CreateOpts{SecGroupID: g.ID, Direction: dir, EtherType: rules.EtherType4, Protocol: proto}
		if port > 0 {
			o.PortRangeMin, o.PortRangeMax = port, port
		}
		_, err := rules.Create(ctx, w.neut, o).Extract()
		return err
	}
	for _, err := range []error{
		add(rules.DirIngress, rules.ProtocolICMP, 0),
		add(rules.DirIngress, rules.ProtocolTCP, 22),
		add(rules.DirIngress, rules.ProtocolTCP, 80),
		add(rules.DirEgress, rules.ProtocolICMP, 0),
		add(rules.DirEgress, rules.ProtocolTCP, 22),
	} {
		if err != nil {
			return "", fmt.Errorf("rule: %w", err)
		}
	}
	return g.ID, nil
}

func (w *world) addServer(ctx context.Context, name, image, flavor, external, key, group string) error {
	p, err := ports.Create(ctx, w.neut, ports.CreateOpts{Name: name, NetworkID: w.network, SecurityGroups: &[]string{group}}).Extract()
	if err != nil {
		return fmt.Errorf("port: %w", err)
	}
	w.undo(func(ctx context.Context) error { return ports.Delete(ctx, w.neut, p.ID).ExtractErr() })
	f, err := floatingips.Create(ctx, w.neut, floatingips.CreateOpts{FloatingNetworkID: external, PortID: p.ID}).Extract()
	if err != nil {
		return fmt.Errorf("floating IP: %w", err)
	}
	w.undo(func(ctx context.Context) error { return floatingips.Delete(ctx, w.neut, f.ID).ExtractErr() })
	s, err := servers.Create(ctx, w.compute, keypairs.CreateOptsExt{
		CreateOptsBuilder: servers.CreateOpts{
			Name: name, ImageRef: image, FlavorRef: flavor, UserData: userdata, Networks: []servers.Network{{Port: p.ID}},
		},
		KeyName: key,
	}, nil).Extract()
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	w.undo(func(ctx context.Context) error {
		if err := servers.Delete(ctx, w.compute, s.ID).ExtractErr(); err != nil {
			return err
		}
		return eventually(2*time.Minute, func() error {
			if _, err := servers.Get(ctx, w.compute, s.ID).Extract(); err == nil {
				return fmt.Errorf("server %s is still there", name)
			}
			return nil
		})
	})
	w.servers = append(w.servers, &host{world: w, name: name, id: s.ID, port: p.ID, fixed: p.FixedIPs[0].IPAddress, fip: f.FloatingIP})
	return nil
}

// writeSSHConfig writes the configuration that havip and the judges use: the
// one of an operator who keeps a key and a known_hosts file for this cloud.
func (w *world) writeSSHConfig() error {
	text := fmt.Sprintf("Host *\n  User %s\n  IdentityFile %s\n  IdentitiesOnly yes\n  UserKnownHostsFile %s\n  GlobalKnownHostsFile /dev/null\n",
		w.user, w.key, w.knownHosts())
	return os.WriteFile(w.sshConfig(), []byte(text), 0o600)
}

func (w *world) sshConfig() string  { return filepath.Join(w.dir, "ssh_config") }
func (w *world) knownHosts() string { return filepath.Join(w.dir, "known_hosts") }
