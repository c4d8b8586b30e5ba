//go:build unix

package remote

import (
	"io"
	"syscall"
	"testing"
)

func TestProxyCommandOutlivesCtrlC(t *testing.T) {
	// A terminal sends SIGINT to every process of its group.
	conn, err := dialCommand(t.Context(), "cat")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	echo := func(text string) {
		t.Helper()
		if _, err := conn.Write([]byte(text)); err != nil {
			t.Fatalf("write: %v", err)
		}
		got := make([]byte, len(text))
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != text {
			t.Fatalf("read %q, %v; want %q", got, err, text)
		}
	}
	echo("before") // the command runs
	if err := syscall.Kill(conn.(*commandConn).cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	echo("after")
}
