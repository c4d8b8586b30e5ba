package guest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/havip/havip/test/lab/reap"
)

// grace is how long what still runs at a shutdown is waited for.
const grace = 3 * time.Second

// Init is PID 1 of a server. It ends when it is told to shut down (SIGPWR),
// and with it the kernel ends all that is left.
func Init() int {
	down := make(chan os.Signal, 1)
	signal.Notify(down, unix.SIGPWR)
	// Caught, not ignored: services would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	start, going := time.Now(), &atomic.Bool{}
	say := func(format string, args ...any) {
		fmt.Printf("[%5d.%03d] "+format+"\r\n", append([]any{int(time.Since(start).Seconds()), time.Since(start).Milliseconds() % 1000}, args...)...)
	}
	r := reap.New()
	if err := boot(r, say, going); err != nil {
		say("the boot failed: %v", err)
		return 1
	}
	sig := <-down
	say("%s: going down", sig)
	going.Store(true)
	services(r, say, "/etc/rc0.d/K*", "stop")
	_ = syscall.Kill(-1, syscall.SIGTERM) // all but this process
	for end := time.Now().Add(grace); time.Now().Before(end) && alive(); {
		time.Sleep(10 * time.Millisecond)
	}
	say("powered off")
	return 0
}

// alive tells whether a process is left besides this one.
func alive() bool { return syscall.Kill(-1, 0) == nil }

// boot brings the server up. Once it is going down nothing is started again.
func boot(r *reap.Reaper, say func(string, ...any), going *atomic.Bool) error {
	var b Boot
	told := os.NewFile(3, "boot")
	if err := json.NewDecoder(told).Decode(&b); err != nil {
		return fmt.Errorf("read what to boot: %w", err)
	}
	_ = told.Close()
	say("%s boots", b.Name)
	if err := unix.Sethostname([]byte(b.Name)); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	if err := enterRoot(b.Dir); err != nil {
		return err
	}
	if err := logTo("/dev/log", "/var/log/syslog"); err != nil {
		return err
	}
	first, err := firstBoot(b)
	if err != nil {
		return err
	}
	if first != "" {
		fmt.Print(first)
	}
	services(r, say, "/etc/rc2.d/S*", "start")
	if first != "" && len(b.UserData) > 2 && b.UserData[:2] == "#!" {
		userData(r, say, b.UserData)
	}
	if err := serveSSH(r, say, going); err != nil {
		return err
	}
	say("%s is up", b.Name)
	return nil
}

// services runs the scripts that fit, in their order.
func services(r *reap.Reaper, say func(string, ...any), pattern, verb string) {
	scripts, _ := filepath.Glob(pattern)
	for _, s := range scripts {
		code, err := run(r, s, verb)
		say("%s %s: %s", s, verb, outcome(code, err))
	}
}

func outcome(code int, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case code != 0:
		return fmt.Sprintf("exit code %d", code)
	default:
		return "ok"
	}
}

// userData runs the script that the server was made with, once.
func userData(r *reap.Reaper, say func(string, ...any), script string) {
	const file = "/var/lib/user-data"
	if err := os.WriteFile(file, []byte(script), 0o700); err != nil {
		say("user data: %v", err)
		return
	}
	code, err := run(r, file)
	say("user data: %s", outcome(code, err))
}

// run waits for a command whose output goes to the console.
func run(r *reap.Reaper, argv ...string) (int, error) {
	c, err := start(r, argv[0], argv)
	if err != nil {
		return 0, err
	}
	return c.Code(), nil
}

func start(r *reap.Reaper, file string, argv []string) (*reap.Child, error) {
	null, err := os.Open("/dev/null")
	if err != nil {
		return nil, err
	}
	defer null.Close()
	return r.Start(file, argv, &syscall.ProcAttr{
		Dir: "/", Env: environment(), Files: []uintptr{null.Fd(), 1, 2},
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
}

func environment() []string {
	return []string{"PATH=" + path, "HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/sh", "LANG=C.UTF-8"}
}

// serveSSH keeps the SSH server running; it is ready when this returns.
func serveSSH(r *reap.Reaper, say func(string, ...any), going *atomic.Bool) error {
	ready, tell, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	launch := func(tell *os.File) (*reap.Child, error) {
		null, err := os.Open("/dev/null")
		if err != nil {
			return nil, err
		}
		defer null.Close()
		return r.Start("/proc/self/exe", []string{SSHStage}, &syscall.ProcAttr{
			Dir: "/root", Env: environment(), Files: []uintptr{null.Fd(), 1, 2, tell.Fd()},
			Sys: &syscall.SysProcAttr{Setsid: true},
		})
	}
	c, err := launch(tell)
	if err != nil {
		return err
	}
	_ = tell.Close()
	if n, _ := ready.Read(make([]byte, 1)); n == 0 {
		return fmt.Errorf("start the SSH server: exit code %d", c.Code())
	}
	go func() {
		for {
			code := c.Code()
			if going.Load() {
				return
			}
			say("the SSH server ended with %d and is started again", code)
			_, tell, err := os.Pipe()
			if err == nil {
				c, err = launch(tell)
				_ = tell.Close()
			}
			if err != nil {
				say("%v", err)
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	return nil
}
