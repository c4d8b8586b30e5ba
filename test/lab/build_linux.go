package lab

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/havip/havip/openstack/openstacktest"
	"github.com/havip/havip/test/lab/fabric"
)

// endpoint is where the API listens on the workstation.
const endpoint = "127.0.0.1:5000"

// start-up of a server, at most.
const bootLimit = 60 * time.Second

// lab is a site with its cloud.
type lab struct {
	order order
	site  *site
	cloud *openstacktest.Cloud
	auth  string
}

// build makes the lab; its servers are up when it returns.
func build(o order, say func(string, ...any)) (*lab, error) {
	l := &lab{order: o, auth: "http://" + endpoint + "/identity/v3"}
	var options fabric.Options
	if o.Backend == string(openstacktest.OVN) {
		options.Claim = func(port string, a netip.Addr) { l.cloud.Claim(port, a) }
	}
	var err error
	if l.site, err = newSite(options); err != nil {
		return nil, err
	}
	config := openstacktest.Config{
		Backend: openstacktest.Backend(o.Backend), Machines: l.site.host,
		URL: "http://" + endpoint, PublicKey: l.site.access.Public,
	}
	l.cloud = openstacktest.New(config)
	for _, what := range []string{"floatingip", "port"} {
		l.cloud.SetQuota(what, -1) // as many servers as are wanted
	}
	if err := furnishSafely(l.cloud, o.Servers, l.site); err != nil {
		return nil, err
	}
	if err := l.serve(); err != nil {
		return nil, err
	}
	// The member's entry is the lab's own.
	clouds := strings.Replace(l.cloud.CloudsYAML(), "  demo:\n", "  lab:\n", 1)
	if err := os.WriteFile(l.site.access.clouds(), []byte(clouds), 0o600); err != nil {
		return nil, fmt.Errorf("write clouds.yaml: %w", err)
	}
	if err := l.awaitServers(); err != nil {
		return nil, err
	}
	all := byName(l.cloud.View().Servers)
	names := all[0].Name
	if len(all) > 1 {
		names += " to " + all[len(all)-1].Name
	}
	say("the lab is up: %s", names)
	return l, nil
}

// furnishSafely opens the site first: servers are wired as soon as they are
// made. What the cloud refuses of a furnishing is a mistake of ours, told as
// an error all the same.
func furnishSafely(c *openstacktest.Cloud, servers int, s *site) (err error) {
	if err := s.open(c); err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("furnish the cloud: %v", p)
		}
	}()
	return furnish(c, servers, s.access.Public)
}

// serve answers requests on the workstation's loopback.
func (l *lab) serve() error {
	var listener net.Listener
	err := l.site.outside.Do(func() (err error) {
		listener, err = net.Listen("tcp", endpoint)
		return err
	})
	if err != nil {
		return fmt.Errorf("serve the API: %w", err)
	}
	server := &http.Server{Handler: l.cloud, ReadHeaderTimeout: time.Minute}
	go func() { l.site.complain(server.Serve(listener)) }()
	return nil
}

// awaitServers waits until each accepts SSH.
func (l *lab) awaitServers() error {
	limit := time.After(bootLimit)
	for {
		changed := l.cloud.Changed()
		v := l.cloud.View()
		var waiting <-chan struct{}
		for _, s := range v.Servers {
			if s.Status == "ERROR" {
				return fmt.Errorf("start server %q: it is in ERROR", s.Name)
			}
			up := l.site.host.Up(s.ID)
			select {
			case <-up:
				if s.Status == "ACTIVE" {
					continue
				}
				waiting = changed
			default:
				if waiting = up; up == nil {
					waiting = changed
				}
			}
		}
		if waiting == nil {
			return nil
		}
		select {
		case <-waiting:
		case <-limit:
			return errors.New("start the servers: they are not up after " + bootLimit.String())
		}
	}
}
