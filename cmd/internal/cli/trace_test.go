package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestATraceHasOneLineForEachCommand(t *testing.T) {
	var b bytes.Buffer
	trace := traceCommands(&b)
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	trace(sshCommand{SSH: "debian@10.0.0.130", Command: shorten("ls  <a>\n&& true"), Start: start, MS: 1.5})
	trace(sshCommand{SSH: "debian@10.0.0.131", Command: "false", Start: start, MS: 2, Error: "the command ended with code 1"})
	want := `{"ssh":"debian@10.0.0.130","command":"ls <a> && true","start":"2026-11-22T12:00:00Z","ms":1.5}
{"ssh":"debian@10.0.0.131","command":"false","start":"2026-11-22T12:00:00Z","ms":2,"error":"the command ended with code 1"}
`
	if b.String() != want {
		t.Errorf("got %s, want %s", b.String(), want)
	}
}

func TestALongCommandIsShortened(t *testing.T) {
	if got := shorten(strings.Repeat("ä", 200)); got != strings.Repeat("ä", 100)+" ..." {
		t.Errorf("got %q", got)
	}
}
