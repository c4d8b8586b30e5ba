package lab_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/havip/havip/test/lab"
)

// part is a test that runs on the workstation.
type part struct {
	name string
	run  func() error
}

func insideParts() []part {
	return []part{
		{"SSH as a user has it", userSSH},
		{"a key that is not authorized", strangerSSH},
		{"a jump host", jump},
		{"stopped and started, a server keeps its files", stopStart},
		{"a reboot without a shutdown", hardReboot},
		{"paused, a server is silent, and goes on", pause},
		{"a service starts at boot and stops at shutdown", service},
		{"the console shows the host key as cloud-init prints it", console},
		{"a server is the host's image without its secrets", image},
		{"a server cannot reach the machine's kernel settings", machine},
		{"a lab tells what is in it", report},
		{"an address pair in Neutron opens the port in the kernel", pairs},
		{"a new server runs its user data once, and is deleted", userData},
		{"a NIC comes and goes while the server runs", hotplug},
	}
}

func runInside(name string) int {
	for _, p := range append(insideParts(), groupPart()) {
		if p.name != name {
			continue
		}
		if err := p.run(); err != nil {
			fmt.Println(err)
			return 1
		}
		return 0
	}
	fmt.Printf("there is no part %q\n", name)
	return 1
}

func userSSH() error {
	c, err := login("bastion-1", nil)
	if err != nil {
		return err
	}
	defer c.Close()
	for command, out := range map[string]string{"hostname": "bastion-1", "id -un": "root", "echo $HOME": "/root"} {
		got, err := run(c, command)
		if err := errors.Join(err, want(command, got, out)); err != nil {
			return err
		}
	}
	// Exit status and signal.
	s, err := c.NewSession()
	if err != nil {
		return err
	}
	exit := (*ssh.ExitError)(nil)
	if err := s.Run("exit 7"); !errors.As(err, &exit) || exit.ExitStatus() != 7 {
		return fmt.Errorf("exit 7: got %w", err)
	}
	if s, err = c.NewSession(); err != nil {
		return err
	}
	if err := s.Start("exec sleep 1000"); err != nil {
		return err
	}
	if err := s.Signal(ssh.SIGTERM); err != nil {
		return err
	}
	if err := s.Wait(); !errors.As(err, &exit) || exit.Signal() != "TERM" {
		return fmt.Errorf("a command that got TERM: got %w", err)
	}
	// What goes in comes out, more than a window holds; several at once.
	big := bytes.Repeat([]byte("0123456789abcdef"), 256<<10)
	results := make(chan error)
	for range 4 {
		go func() {
			s, err := c.NewSession()
			if err != nil {
				results <- err
				return
			}
			s.Stdin = bytes.NewReader(big)
			out, err := s.Output("cat")
			if err == nil && !bytes.Equal(out, big) {
				err = fmt.Errorf("%d bytes came back of %d", len(out), len(big))
			}
			results <- err
		}()
	}
	for range 4 {
		if err := <-results; err != nil {
			return err
		}
	}
	// A daemon that was left behind does not hold up the session.
	if _, err := run(c, "setsid sleep 1000 >/dev/null 2>&1 &"); err != nil {
		return err
	}
	// A terminal.
	if s, err = c.NewSession(); err != nil {
		return err
	}
	if err := s.RequestPty("xterm", 33, 77, ssh.TerminalModes{}); err != nil {
		return err
	}
	out, err := s.CombinedOutput("stty size; tty")
	if err != nil || !strings.HasPrefix(string(out), "33 77\r\n/dev/pts/") {
		return fmt.Errorf("a terminal: got %q, %w", out, err)
	}
	return nil
}

func strangerSSH() error {
	key, err := newKey()
	if err != nil {
		return err
	}
	if c, err := loginWith("bastion-1", nil, key); err == nil {
		_ = c.Close()
		return errors.New("a key that nobody knows was let in")
	}
	return nil
}

func jump() error {
	first, err := login("bastion-1", nil)
	if err != nil {
		return err
	}
	defer first.Close()
	second, err := login("10.0.0.11", first)
	if err != nil {
		return err
	}
	defer second.Close()
	got, err := run(second, "hostname; echo ${SSH_CONNECTION:-none}")
	if err := errors.Join(err, want("hostname", got, "bastion-2\nnone")); err != nil {
		return err
	}
	if _, err := first.Dial("tcp", "10.0.0.11:1"); err == nil {
		return errors.New("a port where nobody listens was connected")
	}
	return nil
}

func console() error {
	n, err := newNova()
	if err != nil {
		return err
	}
	text, err := n.console("bastion-2")
	if err != nil {
		return err
	}
	key, err := at("bastion-2", "cat /etc/ssh/ssh_host_ed25519_key.pub")
	if err != nil {
		return err
	}
	block := "-----BEGIN SSH HOST KEY KEYS-----\r\n" + key + "\r\n-----END SSH HOST KEY KEYS-----\r\n"
	if !strings.Contains(text, block) {
		return fmt.Errorf("the console has no %q:\n%s", block, text)
	}
	return nil
}

func image() error {
	got, err := at("bastion-1", "ls -A /home /srv /mnt /etc/ssh /var/log /run/systemd 2>/dev/null; ls /root/.ssh; for i in /etc/rc?.d; do ls $i; done; ls /sys/class/net; id havip 2>/dev/null; true")
	expect := "/etc/ssh:\nssh_host_ed25519_key\nssh_host_ed25519_key.pub\n\n/home:\n\n/mnt:\n\n/srv:\n\n/var/log:\nsyslog\nauthorized_keys\neth0\nlo"
	return errors.Join(err, want("what is there", got, expect))
}

// machine is out of a server's reach: what a server does to the kernel as a
// whole, it would do to the machine.
func machine() error {
	_, err := at("bastion-1",
		"! sh -c 'echo h >/proc/sysrq-trigger' 2>/dev/null",
		"! sh -c 'cat /proc/sys/kernel/printk >/proc/sys/kernel/printk' 2>/dev/null",
		"! touch /sys/kernel/x 2>/dev/null",
		"sh -c 'cat /proc/sys/net/ipv4/ip_forward >/proc/sys/net/ipv4/ip_forward'")
	return err
}

func report() error {
	labs, err := lab.Running()
	if err != nil {
		return err
	}
	if len(labs) != 1 || len(labs[0].Servers) != 2 {
		return fmt.Errorf("got %+v", labs)
	}
	s := labs[0].Servers[1]
	return want("the second server", fmt.Sprint(s.Name, s.Status, s.Addresses, s.Floating), "bastion-2ACTIVE[10.0.0.11] [203.0.113.13]")
}
