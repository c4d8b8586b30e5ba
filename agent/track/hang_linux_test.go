package track

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/havip/havip/agent/config"
	"github.com/havip/havip/agent/vip/netnstest"
)

// hangingFolder is on a file system whose server answers nothing until it is ended.
func hangingFolder(t *testing.T) (dir string, end func()) {
	t.Helper()
	if os.Geteuid() != 0 && os.Getenv("HAVIP_REQUIRE_NETNS") == "1" {
		t.Fatal("needs root (HAVIP_REQUIRE_NETNS=1)")
	}
	server, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil || os.Geteuid() != 0 {
		t.Skipf("needs root and /dev/fuse: %v; without, TestALookThatHangsIsLeftBehind shows the same of any look", err)
	}
	dir = t.TempDir()
	end = sync.OnceFunc(func() { _ = server.Close() })
	t.Cleanup(end)
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", server.Fd())
	netnstest.Must(t, unix.Mount("test", dir, "fuse", 0, options))
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	return dir, end
}

func TestAFileSystemThatHangsFailsTheCheckInTime(t *testing.T) {
	dir, end := hangingFolder(t)
	probe := NewProber(nil).Probe(config.Check{File: filepath.Join(dir, "alive")})
	limit := time.AfterFunc(30*time.Second, end) // else the test would hang as well
	defer limit.Stop()
	want(t, probeOnce(t.Context(), probe, 100*time.Millisecond), "no answer within 100ms")
	want(t, probeOnce(t.Context(), probe, 100*time.Millisecond), unendedLook)
	end()
	netnstest.Eventually(t, "the file is looked for again", func() bool {
		err := probeOnce(t.Context(), probe, 30*time.Second)
		return err != nil && err.Error() != unendedLook
	})
}
