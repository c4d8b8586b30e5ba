package track

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/havip/havip/agent/vip/netnstest"
)

// systemBus is a bus of the test's own, with a systemd on it that knows the
// unit web.service.
type systemBus struct {
	t     *testing.T
	path  string
	state atomic.Value // of web.service

	daemon *exec.Cmd
	conn   *dbus.Conn
}

// newSystemBus makes the address that the agent takes for the system bus, and
// starts nothing.
func newSystemBus(t *testing.T) *systemBus {
	t.Helper()
	if _, err := exec.LookPath("dbus-daemon"); err != nil {
		if os.Getenv("HAVIP_REQUIRE_NETNS") == "1" {
			t.Fatalf("%v (HAVIP_REQUIRE_NETNS=1)", err)
		}
		t.Skip("needs dbus-daemon")
	}
	b := &systemBus{t: t, path: filepath.Join(t.TempDir(), "bus")}
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+b.path)
	t.Cleanup(b.stop)
	return b
}

func (b *systemBus) start() {
	b.t.Helper()
	b.daemon = exec.Command("dbus-daemon", "--session", "--nofork", "--nopidfile", "--address=unix:path="+b.path)
	netnstest.Must(b.t, b.daemon.Start())
	netnstest.Eventually(b.t, "the bus answers", func() bool {
		var err error
		b.conn, err = dbus.Connect("unix:path=" + b.path)
		return err == nil
	})
	netnstest.Must(b.t, b.conn.Export(manager{}, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"))
	netnstest.Must(b.t, b.conn.Export(properties{b}, webPath, "org.freedesktop.DBus.Properties"))
	reply, err := b.conn.RequestName("org.freedesktop.systemd1", dbus.NameFlagDoNotQueue)
	if err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		b.t.Fatalf("become systemd: %v %v", reply, err)
	}
}

func (b *systemBus) stop() {
	if b.daemon == nil {
		return
	}
	_ = b.conn.Close()
	_ = b.daemon.Process.Kill()
	_ = b.daemon.Wait()
	_ = os.Remove(b.path)
	b.daemon = nil
}

const webPath = dbus.ObjectPath("/org/freedesktop/systemd1/unit/web_2eservice")

type manager struct{}

func (manager) LoadUnit(name string) (dbus.ObjectPath, *dbus.Error) {
	if name != "web.service" {
		return "", dbus.NewError("org.freedesktop.systemd1.NoSuchUnit", []any{"Unit " + name + " not found."})
	}
	return webPath, nil
}

type properties struct{ bus *systemBus }

func (p properties) Get(iface, name string) (dbus.Variant, *dbus.Error) {
	if iface != "org.freedesktop.systemd1.Unit" || name != "ActiveState" {
		return dbus.Variant{}, dbus.NewError("org.freedesktop.DBus.Error.UnknownProperty", nil)
	}
	return dbus.MakeVariant(p.bus.state.Load()), nil
}

func TestAUnitIsActive(t *testing.T) {
	system := newSystemBus(t)
	var b bus
	defer b.close()
	ask := func(unit string) error { return probeOnce(t.Context(), b.probeUnit(unit), 30*time.Second) }

	want(t, ask("web.service"), "ask systemd for web.service: no system bus is here: dial unix")

	system.start()
	for state, fails := range map[string]string{
		"active": "", "reloading": "", "refreshing": "",
		"inactive": "web.service is inactive", "failed": "web.service is failed", "activating": "web.service is activating",
	} {
		system.state.Store(state)
		want(t, ask("web.service"), fails)
	}
	want(t, ask("other.service"), "ask systemd for other.service: Unit other.service not found.")
	before := b.conn
	system.state.Store("active")
	want(t, ask("web.service"), "")
	if b.conn != before {
		t.Error("each probe makes a connection")
	}

	system.stop()
	want(t, ask("web.service"), "ask systemd for web.service")
	system.start()
	system.state.Store("active")
	netnstest.Eventually(t, "the connection is made again", func() bool { return ask("web.service") == nil })
}
