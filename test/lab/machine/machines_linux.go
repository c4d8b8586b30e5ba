package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/havip/havip/openstack/openstacktest"
	"github.com/havip/havip/test/lab/fabric"
	"github.com/havip/havip/test/lab/guest"
	"github.com/havip/havip/test/lab/reap"
	"github.com/havip/havip/test/lab/space"
)

// patience is how long a server may take to shut down.
const patience = 20 * time.Second

// Host is where servers run.
type Host struct {
	Dir    string // their disks; on a file system with trusted.* attributes
	Fabric *fabric.Fabric
	Reaper *reap.Reaper
	// Sync makes the fabric what the cloud says by now.
	Sync   func() error
	Booted func() // is called when a server is up; may be nil

	mu      sync.Mutex
	servers map[string]*server
}

var _ openstacktest.Machines = (*Host)(nil)

// server is one that was started at least once.
type server struct {
	mu      sync.Mutex // of what changes it
	dir     string
	name    string
	ports   []string
	init    *reap.Child // nil: off
	space   *space.Space
	paused  bool
	console console
}

// Start powers a server on.
func (h *Host) Start(_ context.Context, s openstacktest.Server) error {
	if err := h.start(s); err != nil {
		return fmt.Errorf("start server %q: %w", s.Name, err)
	}
	return nil
}

func (h *Host) server(id string) *server {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.servers == nil {
		h.servers = make(map[string]*server)
	}
	return h.servers[id]
}

func (h *Host) start(s openstacktest.Server) (err error) {
	m := h.server(s.ID)
	if m == nil {
		m = &server{dir: filepath.Join(h.Dir, s.ID), name: s.Name, console: newConsole(s.Name, h.Booted)}
		h.mu.Lock()
		h.servers[s.ID] = m
		h.mu.Unlock()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.init != nil {
		select {
		case <-m.init.Done(): // it ended by itself
			h.off(m)
		default:
			return nil
		}
	}
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return err
	}
	// What the cloud decided a moment ago is enforced before the wires.
	if err := h.Sync(); err != nil {
		return err
	}
	if m.space, err = space.New(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			h.off(m)
		}
	}()
	if err := h.plug(m, s.Ports); err != nil {
		return err
	}
	return h.boot(m, s)
}

// plug makes the wires of a server those of the ports.
func (h *Host) plug(m *server, ports []string) error {
	for i, p := range ports {
		if err := h.Fabric.Plug(p, m.space, fmt.Sprintf("eth%d", i), i == 0); err != nil {
			return err
		}
		m.ports = append(m.ports, p)
	}
	return nil
}

func (h *Host) boot(m *server, s openstacktest.Server) (err error) {
	told, tell, err := pipe()
	if err != nil {
		return err
	}
	defer told.Close()
	screen, printed, err := pipe()
	if err != nil {
		return errors.Join(err, tell.Close())
	}
	defer printed.Close()
	null, err := os.Open("/dev/null")
	if err != nil {
		return errors.Join(err, tell.Close(), screen.Close())
	}
	defer null.Close()
	m.console.follow(screen)
	err = m.space.Do(func() error {
		m.init, err = h.Reaper.Start("/proc/self/exe", []string{guest.InitStage}, &syscall.ProcAttr{
			Dir: "/", Env: []string{"PATH=" + os.Getenv("PATH")},
			Files: []uintptr{null.Fd(), printed.Fd(), printed.Fd(), told.Fd()},
			Sys: &syscall.SysProcAttr{
				Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
				Setsid:     true, // Ctrl-C on the workstation is not for it
			},
		})
		return err
	})
	if err != nil {
		return errors.Join(err, tell.Close())
	}
	err = json.NewEncoder(tell).Encode(guest.Boot{
		Name: s.Name, Dir: m.dir, PublicKey: s.PublicKey, UserData: s.UserData,
	})
	return errors.Join(err, tell.Close())
}

// pipe is one that children get only where they are given it.
func pipe() (r, w *os.File, err error) {
	var p [2]int
	if err := syscall.Pipe2(p[:], syscall.O_CLOEXEC); err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	return os.NewFile(uintptr(p[0]), "|0"), os.NewFile(uintptr(p[1]), "|1"), nil
}

// Console is what a server printed since its first start.
func (h *Host) Console(id string) string {
	if m := h.server(id); m != nil {
		return m.console.String()
	}
	return ""
}

// Up is closed when the server has booted for the first time; nil before its
// first start.
func (h *Host) Up(id string) <-chan struct{} {
	if m := h.server(id); m != nil {
		return m.console.up
	}
	return nil
}

// HostKey is the server's public SSH host key, an authorized_keys line; empty
// before it was made.
func (h *Host) HostKey(id string) string {
	m := h.server(id)
	if m == nil {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(m.dir, "disk/etc/ssh/ssh_host_ed25519_key.pub"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// Update plugs and unplugs NICs of running servers as v says.
func (h *Host) Update(v openstacktest.View) error {
	var errs []error
	for _, s := range v.Servers {
		if m := h.server(s.ID); m != nil {
			errs = append(errs, h.updatePorts(m, s))
		}
	}
	return errors.Join(errs...)
}
