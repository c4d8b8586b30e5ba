package cli

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// holder names this run in a group's lock: who, where, which process, and
// where the machine says so, of which boot and which container.
func holder() string {
	name, host := "someone", "somewhere"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	text := fmt.Sprintf("%.20s@%.40s/%d", name, host, os.Getpid())
	if in := machine(); in != "" {
		text += "." + in
	}
	return text
}

// abandoned tells whether the run that a lock names was on this machine and
// its process is no more. Of other machines' runs nothing is known.
func abandoned(holder string) bool {
	_, process, ok := strings.Cut(holder, "/")
	id, in, _ := strings.Cut(process, ".")
	pid, err := strconv.Atoi(id)
	if !ok || err != nil || in == "" || in != machine() {
		return false
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	return errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}

// machine tells boots of a machine, and the containers on it, apart: in each,
// process IDs mean something else. It is "" where Linux's files are not.
func machine() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	pids, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%.4x", sha256.Sum256(append(boot, pids...)))
}
