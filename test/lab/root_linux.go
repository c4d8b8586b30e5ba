package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// farewell is how long the command may take to end after it was told to.
const farewell = 20 * time.Second

// root is PID 1 of the lab. When it ends, the kernel ends everything else.
func root() int {
	told, says := os.NewFile(3, "order"), os.NewFile(5, "news")
	for _, fd := range []int{3, 4, 5} {
		syscall.CloseOnExec(fd)
	}
	// Ctrl-C of a terminal is for the command. It is caught, not ignored: what
	// is ignored here would be ignored by all that is started here.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGHUP)
	ends := make(chan os.Signal, 4)
	signal.Notify(ends, syscall.SIGTERM, interrupt)

	code, err := serve(told, says, ends)
	if err != nil {
		n := notice{Failure: err.Error()}
		hinted := (*Error)(nil)
		if errors.As(err, &hinted) {
			n.Hint = hinted.Hint()
		}
		_ = json.NewEncoder(says).Encode(n)
		return 1
	}
	return code
}

func serve(told, says *os.File, ends <-chan os.Signal) (int, error) {
	var o order
	input := json.NewDecoder(told)
	if err := input.Decode(&o); err != nil {
		return 0, fmt.Errorf("read what to do: %w", err)
	}
	// Nothing more comes: this ends with the one who waits for us, should its
	// death signal have been missed.
	go func() {
		_, _ = io.Copy(io.Discard, told)
		os.Exit(1)
	}()
	say := func(format string, args ...any) {
		_ = json.NewEncoder(says).Encode(notice{News: fmt.Sprintf(format, args...)})
	}
	l, err := build(o, say)
	if err != nil {
		return 0, err
	}
	if err := l.answer(os.NewFile(4, "door")); err != nil {
		return 0, err
	}
	path, err := exec.LookPath(o.Command[0])
	if err != nil {
		return 0, fmt.Errorf("find the command: %w", err)
	}
	_ = says.Close() // from here on the command speaks
	return l.run(path, o.Command, ends)
}

// run runs the command on the workstation.
func (l *lab) run(path string, argv []string, ends <-chan os.Signal) (int, error) {
	dir, err := os.Getwd()
	if err != nil {
		return 0, fmt.Errorf("find the current folder: %w", err)
	}
	c, err := l.site.start(path, argv, dir)
	if err != nil {
		return 0, err
	}
	var late <-chan time.Time
	for {
		select {
		case <-c.Done():
			return c.Code(), nil
		case s := <-ends:
			if s == interrupt {
				l.site.reaper.Signal(c, syscall.SIGINT)
				continue
			}
			l.site.reaper.Signal(c, syscall.SIGTERM)
			l.site.reaper.Signal(c, syscall.SIGCONT)
			if late == nil {
				late = time.After(farewell)
			}
		case <-late:
			return 128 + int(syscall.SIGTERM), nil
		}
	}
}
