package main

import (
	"log/slog"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// notifier tells systemd how the agent is, from a goroutine of its own: the
// protocol must not wait for systemd.
type notifier struct{ states chan string }

// newNotifier starts a notifier. Without systemd it tells nobody.
func newNotifier(log *slog.Logger) *notifier {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return &notifier{} // nothing can be put into a nil channel
	}
	n := &notifier{states: make(chan string, 16)}
	go func() {
		for state := range n.states {
			if _, err := daemon.SdNotify(false, state); err != nil {
				log.Warn("cannot notify systemd", "error", err)
			}
		}
	}()
	return n
}

// notify never waits. What systemd is too slow to hear is outdated anyway.
func (n *notifier) notify(state string) {
	select {
	case n.states <- state:
	default:
	}
}

// reloading and reloaded frame a reload (sd_notify(3): Type=notify-reload).
func (n *notifier) reloading() { n.notify("RELOADING=1\n" + monotonic()) }
func (n *notifier) reloaded()  { n.notify("READY=1") }

func monotonic() string { return daemon.SdNotifyMonotonicUsec() }

// watchdogInterval is how often systemd wants to hear from the agent, three
// times as often as it must; zero when it does not.
func watchdogInterval(log *slog.Logger) time.Duration {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("cannot read the watchdog's settings", "error", err)
		return 0
	}
	return every / 3
}
