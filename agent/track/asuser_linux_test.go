package track

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vip/netnstest"
)

// probing makes the test binary a program that runs one check and prints why
// it failed.
const probing = "HAVIP_TEST_PROBE"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == Launcher { // as the agent's main
		os.Exit(Launch(os.Args[2:], os.Stderr))
	}
	if text := os.Getenv(probing); text != "" {
		var c config.Check
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			fmt.Println(err)
			os.Exit(2)
		}
		fmt.Print(probeOnce(context.Background(), NewProber(nil).Probe(c), 30*time.Second))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// asService runs a check as the service does: without root, with the agent's
// two capabilities in the ambient set. It returns the error's text.
func asService(t *testing.T, c config.Check) string {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("HAVIP_REQUIRE_NETNS") == "1" {
			t.Fatal("needs root (HAVIP_REQUIRE_NETNS=1)")
		}
		t.Skip("needs root to become another user")
	}
	exe, err := os.Executable()
	netnstest.Must(t, err)
	text, err := json.Marshal(c)
	netnstest.Must(t, err)
	const nobody = 65534
	cmd := exec.Command(copyOf(t, exe, "prober"))
	cmd.Env = []string{probing + "=" + string(text)}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: nobody, Gid: nobody},
		AmbientCaps: []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW},
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(bytes.TrimSpace(out))
}

func TestAProcessOfAnotherUserIsFoundByItsCommandLine(t *testing.T) {
	path := copyOf(t, sleepProgram(t), "hv-roots")
	if got := asService(t, config.Check{Process: path}); got != "no process "+path+" runs" {
		t.Errorf("before it runs: %s", got)
	}
	begin(t, path)
	if got := asService(t, config.Check{Process: path}); got != "<nil>" {
		t.Errorf("while it runs: %s", got)
	}
}
