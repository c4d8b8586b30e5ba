package cli

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

func TestALockIsAbandonedWhenItsProcessOnThisMachineIsGone(t *testing.T) {
	if machine() == "" {
		if runtime.GOOS == "linux" {
			t.Fatal("this machine is not told apart from others")
		}
		t.Skip("this system does not tell its boots apart")
	}
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	at := func(pid int, machine string) string { return fmt.Sprintf("ann@desk/%d.%s", pid, machine) }
	for _, tt := range []struct {
		name, holder string
		want         bool
	}{
		{name: "this process", holder: holder()},
		{name: "another process that runs", holder: at(os.Getppid(), machine())},
		{name: "a process that has ended", holder: at(gone.Process.Pid, machine()), want: true},
		{name: "a process of another machine", holder: at(gone.Process.Pid, "00000000")},
		{name: "a process of nobody knows where", holder: fmt.Sprintf("ann@desk/%d", gone.Process.Pid)},
		{name: "no process", holder: "ann@desk"},
		{name: "nobody", holder: ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := abandoned(tt.holder); got != tt.want {
				t.Errorf("abandoned(%q) = %v", tt.holder, got)
			}
		})
	}
	if strings.ContainsAny(holder(), " ,") {
		t.Errorf("a description cannot hold %q", holder())
	}
}
