package guest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// keep are the folders of the host's root that a server sees; the others are
// there and empty. hide are those in them that are not a server's: services
// of the host, its keys and its data.
func keep() []string {
	return []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "var"}
}

func hide() []string {
	return []string{
		"etc/rc0.d", "etc/rc1.d", "etc/rc2.d", "etc/rc3.d", "etc/rc4.d", "etc/rc5.d", "etc/rc6.d", "etc/rcS.d",
		"etc/ssh", "etc/ssl/private", "etc/keepalived", "etc/frr", "etc/havip", "etc/cron.d", "etc/openstack",
		"usr/local/bin", "usr/local/sbin", "var/log", "var/spool", "var/tmp", "var/cache", "var/backups", "var/mail",
	}
}

// ours are the folders of /var/lib that Debian's own tools need.
func ours() []string { return []string{"dpkg", "insserv", "misc", "pam", "systemd", "ucf"} }

// enterRoot makes the server's root and makes it this process's.
func enterRoot(dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	upper, root := filepath.Join(dir, "disk"), filepath.Join(dir, "root")
	fresh := false
	if _, err := os.Stat(upper); errors.Is(err, os.ErrNotExist) {
		fresh = true
	}
	if fresh {
		if err := empty(upper); err != nil {
			return fmt.Errorf("make the disk: %w", err)
		}
	}
	if err := Overlay("/", upper, filepath.Join(dir, "work"), root); err != nil {
		return err
	}
	// A file system that the host keeps apart is not seen through "/".
	for _, part := range []string{"usr", "var"} {
		var whole, own unix.Stat_t
		if unix.Stat("/", &whole) != nil || unix.Lstat("/"+part, &own) != nil || whole.Dev == own.Dev {
			continue
		}
		if err := Overlay("/"+part, filepath.Join(dir, part+"-disk"), filepath.Join(dir, part+"-work"), filepath.Join(root, part)); err != nil {
			return err
		}
	}
	if err := mountAPI(root); err != nil {
		return err
	}
	if err := unix.Chdir(root); err != nil {
		return fmt.Errorf("enter the root: %w", err)
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("change the root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leave the host's root: %w", err)
	}
	return unix.Chdir("/")
}

// Overlay mounts lower at target, with what is written going to upper.
func Overlay(lower, upper, work, target string) error {
	for _, d := range []string{upper, work, target} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return fmt.Errorf("make a folder for an overlay: %w", err)
		}
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", lower, upper, work)
	if err := unix.Mount("overlay", target, "overlay", 0, options); err != nil {
		return fmt.Errorf("mount an overlay over %s: %w", lower, err)
	}
	return nil
}

// empty fills a new upper folder with empty folders in place of what is hidden.
func empty(upper string) error {
	if err := like("/", upper); err != nil {
		return err
	}
	hidden := hide()
	top, err := os.ReadDir("/")
	if err != nil {
		return err
	}
	for _, e := range top {
		if e.IsDir() && !slices.Contains(keep(), e.Name()) {
			hidden = append(hidden, e.Name())
		}
	}
	lib, err := os.ReadDir("/var/lib")
	if err != nil {
		return err
	}
	for _, e := range lib {
		if e.IsDir() && !slices.Contains(ours(), e.Name()) {
			hidden = append(hidden, "var/lib/"+e.Name())
		}
	}
	for _, h := range hidden {
		if info, err := os.Lstat("/" + h); err != nil || !info.IsDir() {
			continue
		}
		if err := hideDir(upper, h); err != nil {
			return err
		}
	}
	return nil
}

// hideDir makes an opaque folder: of the lower one nothing shows through. Its
// parents and itself look like the host's.
func hideDir(upper, name string) error {
	path := ""
	for part := range strings.SplitSeq(name, "/") {
		path += "/" + part
		if err := like(path, upper+path); err != nil {
			return err
		}
	}
	if err := unix.Setxattr(upper+path, "trusted.overlay.opaque", []byte("y"), 0); err != nil {
		return fmt.Errorf("hide %s: %w", path, err)
	}
	return nil
}

// like makes a folder with the owner and mode of another.
func like(model, path string) error {
	var st unix.Stat_t
	if err := unix.Stat(model, &st); err != nil {
		return fmt.Errorf("look at %s: %w", model, err)
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	if err := os.Chown(path, int(st.Uid), int(st.Gid)); err != nil {
		return err
	}
	return unix.Chmod(path, st.Mode&0o7777)
}

// mountAPI mounts what the kernel shows, and what does not outlive a boot.
func mountAPI(root string) error {
	mounts := []struct {
		source, target, kind string
		flags                uintptr
		data                 string
	}{
		{"proc", "proc", "proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
		{"sysfs", "sys", "sysfs", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
		{"tmpfs", "dev", "tmpfs", unix.MS_NOSUID, "mode=755"},
		{"devpts", "dev/pts", "devpts", unix.MS_NOSUID | unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620,gid=5"},
		{"tmpfs", "dev/shm", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, ""},
		{"tmpfs", "run", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=755"},
		{"tmpfs", "tmp", "tmpfs", unix.MS_NOSUID | unix.MS_NODEV, "mode=1777"},
	}
	for _, m := range mounts {
		target := filepath.Join(root, m.target)
		if err := os.MkdirAll(target, 0o755); err != nil {
			return fmt.Errorf("make a mount point: %w", err)
		}
		if err := unix.Mount(m.source, target, m.kind, m.flags, m.data); err != nil {
			return fmt.Errorf("mount /%s: %w", m.target, err)
		}
	}
	if err := keepMachine(root); err != nil {
		return err
	}
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		node := filepath.Join(root, "dev", name)
		if err := os.WriteFile(node, nil, 0o666); err != nil {
			return fmt.Errorf("make a device: %w", err)
		}
		if err := unix.Mount("/dev/"+name, node, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind /dev/%s: %w", name, err)
		}
	}
	for name, to := range map[string]string{"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"} {
		if err := os.Symlink(to, filepath.Join(root, "dev", name)); err != nil {
			return fmt.Errorf("make a device: %w", err)
		}
	}
	return nil
}

// keepMachine makes what belongs to the whole machine read-only, but for the
// network's settings, which are the server's own: a server is crashed through
// Nova, not by /proc/sysrq-trigger, which would take the machine with it.
func keepMachine(root string) error {
	for _, name := range []string{"proc/sys", "proc/sysrq-trigger", "proc/irq", "proc/bus", "sys"} {
		path := filepath.Join(root, name)
		if _, err := os.Stat(path); err != nil {
			continue // not in this kernel
		}
		if err := unix.Mount(path, path, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return fmt.Errorf("bind /%s: %w", name, err)
		}
		if name == "proc/sys" {
			net := filepath.Join(path, "net")
			if err := unix.Mount(net, net, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
				return fmt.Errorf("bind /%s/net: %w", name, err)
			}
		}
		if err := unix.Mount("", path, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
			return fmt.Errorf("make /%s read-only: %w", name, err)
		}
	}
	return nil
}
