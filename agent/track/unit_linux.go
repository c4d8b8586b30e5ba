package track

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/godbus/dbus/v5"
)

// bus is a connection to the system bus that all unit checks share. It is made
// when it is needed, and again when it was lost.
type bus struct {
	mu   sync.Mutex
	conn *dbus.Conn
}

// probeUnit asks systemd whether a unit is active.
func (b *bus) probeUnit(unit string) Probe {
	return func(ctx context.Context) error {
		state, err := b.activeState(ctx, unit)
		switch {
		case err != nil:
			return fmt.Errorf("ask systemd for %s: %w", unit, err)
		// What reloads or refreshes serves meanwhile; systemctl is-active agrees.
		case state == "active", state == "reloading", state == "refreshing":
			return nil
		}
		return fmt.Errorf("%s is %s", unit, state)
	}
}

// activeState reads the ActiveState of a unit (org.freedesktop.systemd1(5)).
func (b *bus) activeState(ctx context.Context, unit string) (string, error) {
	const systemd = "org.freedesktop.systemd1"
	conn, err := b.connect(ctx)
	if err != nil {
		return "", err
	}
	// LoadUnit, since GetUnit does not know a unit that never ran.
	var path dbus.ObjectPath
	manager := conn.Object(systemd, "/org/freedesktop/systemd1")
	if err := manager.CallWithContext(ctx, systemd+".Manager.LoadUnit", 0, unit).Store(&path); err != nil {
		return "", err
	}
	var state string
	err = conn.Object(systemd, path).CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, systemd+".Unit", "ActiveState").Store(&state)
	return state, err
}

// connect returns the connection, a new one when there is none that lives.
func (b *bus) connect(ctx context.Context) (*dbus.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conn != nil && b.conn.Connected() {
		return b.conn, nil
	}
	// The connection lives longer than ctx, which ends with the probe; making
	// it does not.
	lifetime, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, end)
	conn, err := dbus.ConnectSystemBus(dbus.WithContext(lifetime))
	if !stop() && err == nil {
		err = errors.Join(context.Cause(ctx), conn.Close())
	}
	if err != nil {
		end()
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("no system bus is here: %w", err)
		}
		return nil, err
	}
	b.conn = conn
	return conn, nil
}

func (b *bus) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.conn == nil {
		return nil
	}
	return b.conn.Close()
}
