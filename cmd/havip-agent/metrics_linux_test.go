package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
)

// configureMetrics is configure with a place for the metrics.
func (m *member) configureMetrics(interval, address string) {
	m.t.Helper()
	m.configure(interval)
	text, err := os.ReadFile(m.config())
	if err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(m.config(), fmt.Appendf(text, "metrics: %q\n", address), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// scrape is the page, or nothing when none is served there. It asks from
// within the namespace.
func (m *member) scrape(port string) string {
	m.t.Helper()
	script := fmt.Sprintf(`exec 3<>/dev/tcp/127.0.0.1/%s && printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3 && cat <&3`, port)
	out, _ := exec.Command("ip", "netns", "exec", m.ns, "bash", "-c", script).Output()
	return string(out)
}

// Reloads of a real agent switch the metrics on, move them and switch them off. Of one
// that asks for a port that is taken the rest is applied.
func TestAReloadMovesTheMetrics(t *testing.T) {
	requireNamespaces(t)
	m := segment(t)[0]
	m.configureMetrics(testInterval, "")
	m.start()
	eventually(t, "it becomes active", m.is(api.Active))
	before := m.transitions()
	if page := m.scrape("9112"); page != "" {
		t.Errorf("metrics that nobody asked for: %s", page)
	}

	reload := func(interval, address string) {
		t.Helper()
		m.configureMetrics(interval, address)
		m.signal(syscall.SIGHUP)
	}
	serves := func(port, part string) func() bool {
		return func() bool { return strings.Contains(m.scrape(port), part) }
	}
	const active = `havip_router_state{group="test",vrid="51",family="ipv4",interface="eth0",state="active"} 1`
	reload(testInterval, "127.0.0.1:9112")
	eventually(t, "the page says that it is active", serves("9112", active))
	reload(testInterval, ":9113")
	eventually(t, "the page is at its new place", serves("9113", "havip_router_adverts_sent_total{"))
	if page := m.scrape("9112"); page != "" {
		t.Errorf("it is at its old place too: %s", page)
	}

	taken := exec.Command("ip", "netns", "exec", m.ns, m.binary, "run", "--config", "/dev/stdin")
	taken.Stdin = strings.NewReader(strings.NewReplacer(
		"{name: eth0}", "{name: none0}", m.socket(), m.dir+"/other.sock").Replace(fileText(t, m.config(), "9113", "9114")))
	if err := taken.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Process.Kill(); _ = taken.Wait() })
	eventually(t, "another agent serves at the third place", serves("9114", "havip_build_info"))
	reload("200ms", ":9114")
	eventually(t, "the log says why not", func() bool {
		return strings.Contains(fileText(t, m.dir+"/log"), "address already in use")
	})
	eventually(t, "the interval is the new one", func() bool {
		return m.router().Interval == api.Duration(200*time.Millisecond)
	})
	eventually(t, "the page is where it was", serves("9113", active))

	reload(testInterval, "")
	eventually(t, "the page is gone", func() bool { return m.scrape("9113") == "" })
	if n := m.transitions(); n != before {
		t.Errorf("the reloads caused %d transitions", n-before)
	}
}

// fileText is what stands in a file, with replacements.
func fileText(t *testing.T, path string, oldnew ...string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(oldnew...).Replace(string(text))
}
