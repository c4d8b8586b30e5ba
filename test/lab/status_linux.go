package lab

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// answer serves the report at the door on the machine, and at one of the same
// name on the workstation.
func (l *lab) answer(outer *os.File) error {
	first, err := net.FileListener(outer)
	if err != nil {
		return fmt.Errorf("answer questions: %w", err)
	}
	var second net.Listener
	err = l.site.outside.Do(func() error {
		second, err = net.Listen("unix", door(l.order.ID))
		return err
	})
	if err != nil {
		return fmt.Errorf("answer questions: %w", err)
	}
	for _, d := range []net.Listener{first, second} {
		go func() {
			for {
				c, err := d.Accept()
				if err != nil {
					return
				}
				_ = c.SetDeadline(time.Now().Add(10 * time.Second))
				_ = json.NewEncoder(c).Encode(l.report())
				_ = c.Close()
			}
		}()
	}
	return nil
}

func (l *lab) report() Report {
	v := l.cloud.View()
	r := Report{ID: l.order.ID, Backend: l.order.Backend, Auth: l.auth, Command: l.order.Command, Servers: []Server{}}
	for _, s := range byName(v.Servers) {
		out := Server{Name: s.Name, Status: s.Status}
		for _, p := range v.Ports {
			if p.DeviceID != s.ID {
				continue
			}
			for _, ip := range p.FixedIPs {
				out.Addresses = append(out.Addresses, ip.Address)
			}
			for _, f := range v.FloatingIPs {
				if f.PortID == p.ID {
					out.Floating = append(out.Floating, f.Address)
				}
			}
		}
		r.Servers = append(r.Servers, out)
	}
	return r
}

// Running asks every lab on this machine, or the one that this process is in,
// what is there.
func Running() ([]Report, error) {
	f, err := os.Open("/proc/net/unix")
	if err != nil {
		return nil, fmt.Errorf("look for labs: %w", err)
	}
	defer f.Close()
	found := make(map[string]bool)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if name := fields[len(fields)-1]; strings.HasPrefix(name, doors) {
			found[name] = true
		}
	}
	var out []Report
	errs := []error{lines.Err()}
	for name := range found {
		r, err := ask(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, r)
	}
	return out, errors.Join(errs...)
}

func ask(name string) (r Report, err error) {
	c, err := net.DialTimeout("unix", name, 10*time.Second)
	if err != nil {
		return r, fmt.Errorf("ask the lab %s: %w", strings.TrimPrefix(name, doors), err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if err := json.NewDecoder(c).Decode(&r); err != nil {
		return r, fmt.Errorf("ask the lab %s: %w", strings.TrimPrefix(name, doors), err)
	}
	return r, nil
}
