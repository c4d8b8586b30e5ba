package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/havip/havip/agent/control"
)

// The checks of a real agent find what is well and what is not.
func TestTheChecksOfAnAgent(t *testing.T) {
	requireNamespaces(t)
	m := segment(t)[0]
	alive := filepath.Join(m.dir, "alive")
	write := func() {
		if err := os.WriteFile(alive, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write()
	m.configure(testInterval)
	text := fileText(t, m.config()) + "checks:\n"
	for name, what := range map[string]string{
		"file":    "file: " + alive,
		"exec":    "exec: [/bin/sh, -c, 'test -e " + alive + " || { echo it is gone; exit 4; }']",
		"process": "process: " + m.binary,
		"gateway": "gateway: " + m.peer.String(), // in the other namespace, which answers
	} {
		text += fmt.Sprintf("  - {name: %s, %s, interval: 500ms, fall: 1, rise: 1}\n", name, what)
	}
	if err := os.WriteFile(m.config(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m.start()

	// failing are the checks that fail now, with the reason.
	failing := func() map[string]string {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		status, err := control.NewClient(m.socket()).Status(ctx)
		if err != nil || len(status.Checks) != 4 {
			return map[string]string{"status": fmt.Sprint(err)}
		}
		failing := map[string]string{}
		for _, c := range status.Checks {
			if !c.OK {
				failing[c.Name] = c.Why
			}
		}
		return failing
	}
	eventually(t, "all is well", func() bool { return len(failing()) == 0 })
	if err := os.Remove(alive); err != nil {
		t.Fatal(err)
	}
	eventually(t, "two checks miss the file", func() bool {
		f := failing()
		return len(f) == 2 && strings.Contains(f["file"], "no such file") && f["exec"] == "exit status 4: it is gone"
	})
	write()
	ip(t, "-n", m.ns, "neigh", "flush", "dev", "eth0")
	eventually(t, "they find it again", func() bool { return len(failing()) == 0 })
	ip(t, "-n", strings.TrimSuffix(m.ns, "0")+"1", "link", "set", "eth0", "down")
	eventually(t, "the gateway is missed", func() bool { return failing()["gateway"] != "" })
}
