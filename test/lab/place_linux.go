package lab

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/havip/havip/test/lab/guest"
	"github.com/havip/havip/test/lab/space"
)

// settle makes the root's own view of the file system: /proc of its processes,
// a folder in memory for all that it writes, and an /etc that it may change.
// Only its processes see that.
func settle() (work string, err error) {
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return "", fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return "", fmt.Errorf("mount /proc: %w", err)
	}
	work, err = folder()
	if err != nil {
		return "", err
	}
	if err := unix.Mount("havip-lab", work, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return "", fmt.Errorf("mount a folder in memory: %w", err)
	}
	if err := guest.Overlay("/etc", filepath.Join(work, ".etc"), filepath.Join(work, ".etc-work"), "/etc"); err != nil {
		return "", err
	}
	return work, coverKeys()
}

// coverKeys lays an empty folder over the caller's ~/.ssh. A key that ssh
// keeps there for 10.0.0.10 would be wrong in the next lab, and one that is
// there already in this. Where there is none, ssh is told of another place.
func coverKeys() error {
	homes := []string{os.Getenv("HOME")}
	if u, err := user.Current(); err == nil && u.HomeDir != homes[0] {
		homes = append(homes, u.HomeDir)
	}
	for _, h := range homes {
		dir := filepath.Join(h, ".ssh")
		if info, err := os.Stat(dir); h == "" || err != nil || !info.IsDir() {
			continue
		}
		if err := unix.Mount("havip-lab", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=700"); err != nil {
			return fmt.Errorf("cover %s: %w", dir, err)
		}
	}
	return nil
}

// folder is where the lab keeps its files. No folder is made for it on the
// machine: it covers one of those that every system has and nobody uses.
func folder() (string, error) {
	for _, d := range []string{"/srv", "/mnt", "/media", "/boot"} {
		if entries, err := os.ReadDir(d); err == nil && len(entries) == 0 {
			return d, nil
		}
	}
	if info, err := os.Stat("/boot"); err == nil && info.IsDir() {
		return "/boot", nil // a lab boots nothing from there
	}
	return "", errors.New("find a folder for the lab: none of /srv, /mnt, /media, /boot is there")
}

// showDevices makes /sys that of the workstation.
func showDevices(outside *space.Space) error {
	return outside.Do(func() error {
		if err := unix.Mount("sysfs", "/sys", "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
			return fmt.Errorf("mount /sys: %w", err)
		}
		return nil
	})
}

// needBridgeFilter looks for the part of the kernel that tracks connections in
// bridged frames. It is a module on many systems.
func needBridgeFilter() error {
	const setting = "/proc/sys/net/bridge/bridge-nf-call-iptables"
	if _, err := os.Stat(setting); err == nil {
		return nil
	}
	// It is not loaded from here: that would change the machine, whose own
	// bridges it makes go through the firewall.
	return &Error{
		errors.New("the kernel's br_netfilter is not loaded: security groups cannot be enforced"),
		"modprobe br_netfilter; where this machine has bridges of its own (docker, libvirt), set net.bridge.bridge-nf-call-iptables=0 after it",
	}
}
