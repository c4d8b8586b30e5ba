package guest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// linger is how long output is waited for when a command has ended, but left
// something behind that still holds it open.
const linger = 30 * time.Second

// shell is one session: what the client asked for, until it runs.
type shell struct {
	channel  ssh.Channel
	terminal *os.File // the master's end, when one was asked for
	slave    *os.File
	env      []string
	cmd      *exec.Cmd
}

func session(asked ssh.NewChannel) {
	channel, requests, err := asked.Accept()
	if err != nil {
		return
	}
	s := &shell{channel: channel, env: environment()}
	for r := range requests {
		ok := s.serve(r)
		if r.WantReply {
			_ = r.Reply(ok, nil)
		}
		if ok && (r.Type == "exec" || r.Type == "shell") {
			go s.wait()
		}
	}
	s.hangUp()
}

// serve answers one request (RFC 4254, section 6).
func (s *shell) serve(r *ssh.Request) bool {
	switch r.Type {
	case "env":
		var v struct{ Name, Value string }
		if ssh.Unmarshal(r.Payload, &v) != nil {
			return false
		}
		s.env = append(s.env, v.Name+"="+v.Value)
		return true
	case "pty-req":
		var p struct {
			Term                         string
			Columns, Rows, Width, Height uint32
			Modes                        string
		}
		if ssh.Unmarshal(r.Payload, &p) != nil || s.openTerminal() != nil {
			return false
		}
		s.env = append(s.env, "TERM="+p.Term)
		s.resize(p.Columns, p.Rows)
		return true
	case "window-change":
		var w struct{ Columns, Rows, Width, Height uint32 }
		if ssh.Unmarshal(r.Payload, &w) == nil && s.terminal != nil {
			s.resize(w.Columns, w.Rows)
		}
		return true
	case "exec":
		var c struct{ Command string }
		return ssh.Unmarshal(r.Payload, &c) == nil && s.start("/bin/sh", "-c", c.Command) == nil
	case "shell":
		if _, err := os.Stat("/bin/bash"); err == nil {
			return s.start("/bin/bash", "-l") == nil
		}
		return s.start("/bin/sh", "-l") == nil
	case "signal":
		var g struct{ Name string }
		n := syscall.Signal(0)
		if ssh.Unmarshal(r.Payload, &g) == nil {
			n = unix.SignalNum("SIG" + g.Name)
		}
		if n == 0 || s.cmd == nil {
			return false
		}
		return syscall.Kill(-s.cmd.Process.Pid, n) == nil
	default:
		return false
	}
}

func (s *shell) start(name string, args ...string) error {
	if s.cmd != nil {
		return errors.New("one command for a session")
	}
	cmd := exec.Command(name, args...)
	cmd.Env, cmd.Dir = s.env, "/root"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if s.terminal != nil {
		cmd.Stdin, cmd.Stdout, cmd.Stderr = s.slave, s.slave, s.slave
		cmd.SysProcAttr.Setctty = true
		if err := cmd.Start(); err != nil {
			return err
		}
		_ = s.slave.Close()
		go func() { _, _ = io.Copy(s.terminal, s.channel) }()
	} else {
		// A pipe of its own: the command's end must not wait for the client
		// to close its input.
		in, err := cmd.StdinPipe()
		if err != nil {
			return err
		}
		cmd.Stdout, cmd.Stderr, cmd.WaitDelay = s.channel, s.channel.Stderr(), linger
		if err := cmd.Start(); err != nil {
			return err
		}
		go func() {
			_, _ = io.Copy(in, s.channel)
			_ = in.Close()
		}()
	}
	s.cmd = cmd
	return nil
}

// wait tells the client how the command ended.
func (s *shell) wait() {
	if s.terminal != nil {
		_, _ = io.Copy(s.channel, s.terminal) // until the last one closes it
	}
	_ = s.cmd.Wait()
	state := s.cmd.ProcessState
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		name := unix.SignalName(status.Signal())
		_, _ = s.channel.SendRequest("exit-signal", false, ssh.Marshal(struct {
			Signal            string
			Core              bool
			Message, Language string
		}{name[3:], false, "", ""}))
	} else {
		_, _ = s.channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{uint32(state.ExitCode())}))
	}
	_ = s.channel.Close()
}

// hangUp is for a client that went away. A command that has ended is not hit:
// its group has no process, or one that it left behind on purpose.
func (s *shell) hangUp() {
	if s.cmd != nil && s.terminal != nil {
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGHUP)
	}
	if s.terminal != nil {
		_ = s.terminal.Close()
	}
}

func (s *shell) openTerminal() error {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		return errors.Join(err, master.Close())
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return errors.Join(err, master.Close())
	}
	s.terminal, s.slave = master, slave
	return nil
}

func (s *shell) resize(columns, rows uint32) {
	_ = unix.IoctlSetWinsize(int(s.terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(rows), Col: uint16(columns)})
}
