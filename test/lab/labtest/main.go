package labtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/havip/havip/test/lab"
)

// bin names the environment variable with the folder of the programs that are
// tested. Only a process on the workstation of a lab has it.
const bin = "HAVIP_LABTEST_BIN"

// Main is what a TestMain exits with. It starts a lab with so many servers, and
// there this program once more, which runs the tests. Without root it runs them
// here, and each says that it is skipped.
func Main(m *testing.M, servers int) int {
	lab.Stage()
	if os.Getenv(bin) != "" || os.Geteuid() != 0 {
		return m.Run()
	}
	code, err := outside(servers)
	if err != nil {
		fmt.Println("FAIL:", err)
		return 1
	}
	return code
}

// outside builds the programs and starts the lab.
func outside(servers int) (int, error) {
	dir, err := os.MkdirTemp("", "havip-labtest-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	const module = "github.com/havip/havip"
	build := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", dir+string(filepath.Separator), module+"/cmd/havip", module+"/cmd/havip-agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	if err := os.Setenv(bin, dir); err != nil {
		return 0, err
	}
	return lab.Run(context.Background(), lab.Options{
		Servers: servers, Backend: "linuxbridge", Command: append([]string{"/proc/self/exe"}, os.Args[1:]...),
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
	})
}

// Need skips a test where no lab could be made.
func Need(t *testing.T) {
	t.Helper()
	switch {
	case os.Getenv(bin) != "":
	case os.Getenv("HAVIP_REQUIRE_NETNS") == "1":
		t.Fatal("the lab needs root (HAVIP_REQUIRE_NETNS=1)")
	default:
		t.Skip("the lab needs root")
	}
}

// Program is the path of one that was built: "havip" or "havip-agent".
func Program(name string) string { return filepath.Join(os.Getenv(bin), name) }
