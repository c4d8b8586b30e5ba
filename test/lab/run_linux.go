package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/term"
)

// order is what the root is told, as JSON on descriptor 3. The descriptor
// stays open as long as the one who waits for the lab lives.
type order struct {
	Servers int
	Backend string
	Command []string
	ID      int // of the lab: the process that started it
}

// Run makes a lab, runs a command in it, and returns that one's exit code.
// Nothing is left when it returns, or when it is killed.
func Run(ctx context.Context, o Options) (int, error) {
	if err := possible(o.Command[0]); err != nil {
		return 0, err
	}
	// The root dies with the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	tell, told, err := os.Pipe()
	if err != nil {
		return 0, fmt.Errorf("make a pipe: %w", err)
	}
	defer tell.Close()
	defer told.Close()
	door, err := listen(os.Getpid())
	if err != nil {
		return 0, err
	}
	defer door.Close()
	said, says, err := os.Pipe()
	if err != nil {
		return 0, fmt.Errorf("make a pipe: %w", err)
	}
	defer said.Close()

	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{rootStage}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = o.In, o.Out, o.Err
	cmd.ExtraFiles = []*os.File{tell, door, says}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	}
	err = cmd.Start()
	_ = says.Close()
	if err != nil {
		return 0, &Error{
			fmt.Errorf("make the lab's namespaces: %w", err),
			"a container needs the right to: run it with --privileged, or use the machine itself",
		}
	}
	stop := forward(ctx, cmd.Process, o.In)
	defer stop()
	if err := json.NewEncoder(told).Encode(order{o.Servers, o.Backend, o.Command, os.Getpid()}); err != nil {
		_ = cmd.Process.Kill()
		return 0, errors.Join(fmt.Errorf("tell the lab what to do: %w", err), cmd.Wait())
	}
	failure := listenTo(said, o.Say)
	err = cmd.Wait()
	if failure != nil {
		return 0, failure
	}
	exit := (*exec.ExitError)(nil)
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode(), nil
	default:
		return 0, fmt.Errorf("the lab ended: %w", err)
	}
}

// possible says what this machine lacks.
func possible(command string) error {
	var errs []error
	if os.Geteuid() != 0 {
		errs = append(errs, &Error{
			errors.New("the lab needs root: it makes namespaces and a bridge for its servers"),
			"sudo havip-lab ...; the machine itself is not changed",
		})
	}
	if _, err := exec.LookPath("ip"); err != nil {
		errs = append(errs, &Error{
			errors.New("the command ip is missing: the lab's servers have what this machine has, and havip reads their addresses with it"),
			"install the package iproute2 (Debian: apt-get install iproute2)",
		})
	}
	if _, err := exec.LookPath(command); err != nil {
		errs = append(errs, &Error{fmt.Errorf("run %s: %w", command, errors.Unwrap(err)), "havip-lab run -- COMMAND [ARGUMENT]..."})
	}
	return errors.Join(errs...)
}

// notice is a line of what the root says: news, or why it failed.
type notice struct{ News, Failure, Hint string }

// listenTo passes the root's news on until it runs the command, or ends.
func listenTo(said io.Reader, say func(string)) error {
	news := json.NewDecoder(said)
	for {
		var n notice
		if err := news.Decode(&n); err != nil {
			return nil // the command runs
		}
		if n.Failure != "" {
			return &Error{errors.New(n.Failure), n.Hint}
		}
		if say != nil {
			say(n.News)
		}
	}
}

// forward passes signals on. A terminal gives Ctrl-C to the command itself.
func forward(ctx context.Context, root *os.Process, in *os.File) (stop func()) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	done := make(chan struct{})
	byTerminal := in != nil && term.IsTerminal(int(in.Fd()))
	go func() {
		for {
			select {
			case s := <-signals:
				switch {
				case s != syscall.SIGINT:
					_ = root.Signal(syscall.SIGTERM)
				case !byTerminal:
					_ = root.Signal(interrupt)
				}
			case <-ctx.Done():
				_ = root.Signal(syscall.SIGTERM)
				<-done
				return
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// interrupt is how the root is told to interrupt the command. It must tell it
// from the Ctrl-C that a terminal sends to all.
const interrupt = syscall.SIGUSR1

// listen opens the door at which a lab is asked what is in it: a socket with
// a name in the kernel alone.
func listen(id int) (*os.File, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: door(id), Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen for questions: %w", err)
	}
	defer l.Close()
	f, err := l.File()
	if err != nil {
		return nil, fmt.Errorf("listen for questions: %w", err)
	}
	return f, nil
}
