package failover

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/havip/havip/test/lab"
)

// inside says that this process runs on the workstation of a lab, and where
// the programs are that it tests.
const inside = "HAVIP_FAILOVER_BIN"

// TestMain runs the tests in a lab: it starts one, with this program as its
// command.
func TestMain(m *testing.M) {
	lab.Stage()
	if filepath.Base(os.Args[0]) == standIn {
		if err := openStack(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv(inside) != "" || os.Geteuid() != 0 { // without root each test says that it is skipped
		os.Exit(m.Run())
	}
	os.Exit(outside())
}

func outside() int {
	bin, err := os.MkdirTemp("", "havip-failover-")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(bin)
	build := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", bin+string(filepath.Separator), "../../cmd/havip", "../../cmd/havip-agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Printf("build the programs: %v\n%s", err, out)
		return 1
	}
	if err := os.Setenv(inside, bin); err != nil {
		fmt.Println(err)
		return 1
	}
	code, err := lab.Run(context.Background(), lab.Options{
		Servers: 6, Backend: "linuxbridge", Command: append([]string{"/proc/self/exe"}, os.Args[1:]...),
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
	})
	if err != nil {
		fmt.Println("FAIL:", err)
		return 1
	}
	return code
}
