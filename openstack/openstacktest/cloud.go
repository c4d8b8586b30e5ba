package openstacktest

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Backend is what carries Neutron's packets.
type Backend string

// The back ends whose behaviour differs for a VIP.
const (
	LinuxBridge Backend = "linuxbridge" // neighbours learn who has an address
	OVN         Backend = "ovn"         // a port is virtual, or its floating IP is dead
)

// Config is how a cloud is made. The zero value is good for most tests.
type Config struct {
	Backend Backend          // "": LinuxBridge
	Now     func() time.Time // nil: the wall clock
	// Latency is how long each request takes at least.
	Latency time.Duration
	// Machines runs the servers; nil: they change their state at once.
	Machines Machines
	// TLS makes Start serve HTTPS with a certificate of the cloud's own CA.
	TLS bool
	// URL is where the cloud is reached, for CloudsYAML; Start sets it.
	URL string
	// PublicKey is an authorized_keys line that the servers of Seed trust.
	PublicKey string
}

// Cloud is an OpenStack in memory; it is an http.Handler. It may be used from
// several goroutines.
type Cloud struct {
	config Config
	routes *http.ServeMux
	ca     *authority

	mu       sync.Mutex
	state    *state
	identity *identity
	rules    rules
	changed  chan struct{}
	faults   []*fault
	log      []Request
	power    power
}

// New makes a cloud with the projects demo and admin, the external network
// public (203.0.113.0/24), the image debian and the flavor m1.tiny. Close ends
// what its servers still do.
func New(config Config) *Cloud {
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Backend == "" {
		config.Backend = LinuxBridge
	}
	c := &Cloud{
		config: config, routes: http.NewServeMux(),
		state: newState(), identity: newIdentity(), rules: newRules(),
		changed: make(chan struct{}),
	}
	c.power.ctx, c.power.cancel = context.WithCancel(context.Background())
	c.routeIdentity()
	c.routeNetwork()
	c.routeCompute()
	c.routeImages()
	c.build()
	return c
}

// Close ends the work on servers that is under way and waits for it. The
// servers themselves are left to Machines.
func (c *Cloud) Close() {
	c.power.cancel()
	c.power.work.Wait()
}

// Changed is closed when the cloud changes next. Who follows the cloud takes
// it before View, so that no change is missed.
func (c *Cloud) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

// notify wakes those who wait for a change. The caller holds the lock.
func (c *Cloud) notify() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// change is a transaction from within: what do did stays when it returned nil.
func (c *Cloud) change(do func(*state) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := c.state.clone()
	if err := do(next); err != nil {
		return err
	}
	c.commit(next)
	return nil
}

// commit makes a state the cloud's. The caller holds the lock.
func (c *Cloud) commit(s *state) {
	s.settle()
	c.state = s
	c.notify()
}

// build makes what every cloud has before its first tenant.
func (c *Cloud) build() {
	admin := c.Admin()
	n := admin.Post("/network/v2.0/networks", object{"network": object{"name": "public", "router:external": true}}).ID()
	admin.Post("/network/v2.0/subnets", object{"subnet": object{
		"name": "public-v4", "network_id": n, "ip_version": 4, "cidr": "203.0.113.0/24", "enable_dhcp": false,
		"allocation_pools": []object{{"start": "203.0.113.10", "end": "203.0.113.250"}},
	}})
}
