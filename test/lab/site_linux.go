package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/havip/havip/openstack/openstacktest"
	"github.com/havip/havip/test/lab/fabric"
	"github.com/havip/havip/test/lab/machine"
	"github.com/havip/havip/test/lab/reap"
	"github.com/havip/havip/test/lab/space"
)

// cloud is what a site makes true.
type cloud interface {
	View() openstacktest.View
	Changed() <-chan struct{}
}

// site is everything behind the API.
type site struct {
	work    string
	outside *space.Space // the workstation
	fabric  *fabric.Fabric
	host    *machine.Host
	access  *access
	reaper  *reap.Reaper
	errors  *os.File // what went wrong while the command runs

	cloud cloud
	mu    sync.Mutex // a view is taken and made true in one step
}

// newSite makes it in the namespaces of this process.
func newSite(o fabric.Options) (*site, error) {
	work, err := settle()
	if err != nil {
		return nil, err
	}
	if err := needBridgeFilter(); err != nil {
		return nil, err
	}
	s := &site{work: work, reaper: reap.New(), errors: os.Stderr}
	if s.outside, err = space.New(); err != nil {
		return nil, err
	}
	here, err := space.Current() // of the lab's root: a new one
	if err != nil {
		return nil, err
	}
	if s.fabric, err = fabric.New(here, s.outside, o); err != nil {
		return nil, err
	}
	if err := showDevices(s.outside); err != nil {
		return nil, err
	}
	if s.access, err = newAccess(work); err != nil {
		return nil, err
	}
	s.host = &machine.Host{
		Dir: filepath.Join(work, ".servers"), Fabric: s.fabric, Reaper: s.reaper,
		Sync: s.sync, Booted: func() { s.complain(s.remember()) },
	}
	return s, nil
}

// open makes the site that of a cloud, and keeps it so.
func (s *site) open(c cloud) error {
	s.mu.Lock()
	s.cloud = c
	s.mu.Unlock()
	if err := errors.Join(s.sync(), s.remember()); err != nil {
		return err
	}
	// A server that takes its time to shut down must not hold up the network.
	go s.follow(s.sync)
	go s.follow(s.settleServers)
	return nil
}

func (s *site) follow(update func() error) {
	for {
		changed := s.cloud.Changed()
		s.complain(update())
		<-changed
	}
}

// sync makes the network what the cloud says.
func (s *site) sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fabric.Update(s.cloud.View())
}

// settleServers makes the NICs of servers what the cloud says. A wire needs its
// network first.
func (s *site) settleServers() error {
	v := s.cloud.View()
	return errors.Join(s.sync(), s.host.Update(v), s.remember())
}

// remember tells the workstation who is who.
func (s *site) remember() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.access.remember(s.cloud.View(), s.host.HostKey)
}

// complain is for what fails while the command runs: it is seen, and the lab
// goes on.
func (s *site) complain(err error) {
	if err != nil {
		fmt.Fprintf(s.errors, "havip-lab: %v\n", err)
	}
}
