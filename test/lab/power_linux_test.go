package lab_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

func stopStart() error {
	n, err := newNova()
	if err != nil {
		return err
	}
	if _, err := at("bastion-1", "echo kept >/root/file", "echo gone >/tmp/file", "rm /etc/os-release"); err != nil {
		return err
	}
	if err := n.act("bastion-1", `{"os-stop":null}`, "SHUTOFF"); err != nil {
		return err
	}
	if c, err := login("bastion-1", nil); err == nil {
		_ = c.Close()
		return errors.New("a server that is off answers")
	}
	if err := n.act("bastion-1", `{"os-start":null}`, "ACTIVE"); err != nil {
		return err
	}
	return until("it answers as before, with the same key", func() error {
		got, err := at("bastion-1", "cat /root/file; ls /tmp /etc/os-release 2>/dev/null; hostname")
		return errors.Join(err, want("files", got, "kept\n/tmp:\nbastion-1"))
	})
}

func hardReboot() error {
	n, err := newNova()
	if err != nil {
		return err
	}
	_, err = at("bastion-1", "echo kept >/root/file; sync")
	if err != nil {
		return err
	}
	text, err := n.console("bastion-1")
	if err != nil {
		return err
	}
	if err := n.act("bastion-1", `{"reboot":{"type":"HARD"}}`, "ACTIVE"); err != nil {
		return err
	}
	boots := strings.Count(text, "is up")
	if err := until("it is up again", func() error {
		text, err := n.console("bastion-1")
		if err != nil || strings.Count(text, "is up") != boots+1 {
			return fmt.Errorf("the console says %q, %w", text, err)
		}
		if strings.Contains(text, "going down") {
			return errors.New("it was shut down")
		}
		return nil
	}); err != nil {
		return err
	}
	got, err := at("bastion-1", "cat /root/file")
	return errors.Join(err, want("file", got, "kept"))
}

func pause() error {
	n, err := newNova()
	if err != nil {
		return err
	}
	c, err := login("bastion-1", nil)
	if err != nil {
		return err
	}
	defer c.Close()
	// It counts as long as it runs.
	if _, err := run(c, "(while :; do echo x >>/tmp/count; sleep 0.02; done) >/dev/null 2>&1 &"); err != nil {
		return err
	}
	if err := n.act("bastion-1", `{"pause":null}`, "PAUSED"); err != nil {
		return err
	}
	for range 3 {
		if d, err := net.DialTimeout("tcp", "10.0.0.10:22", 100*time.Millisecond); err == nil {
			_ = d.Close()
			return errors.New("a server that is paused answers")
		}
	}
	if err := n.act("bastion-1", `{"unpause":null}`, "ACTIVE"); err != nil {
		return err
	}
	// The same connection goes on.
	first, err := run(c, "wc -l </tmp/count")
	if err != nil {
		return err
	}
	return until("it counts again", func() error {
		now, err := run(c, "wc -l </tmp/count")
		if err == nil && now == first {
			err = errors.New("it does not")
		}
		return err
	})
}

func service() error {
	n, err := newNova()
	if err != nil {
		return err
	}
	script := `#!/bin/sh
### BEGIN INIT INFO
# Provides: counter
# Required-Start: $network
# Required-Stop: $network
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
### END INIT INFO
echo "$1" >>/root/verbs
logger -t counter "$1" 2>/dev/null || true
exit 0
`
	if _, err := at("bastion-1", "[ ! -d /run/systemd/system ]", "cat >/etc/init.d/counter <<'E'\n"+script+"E\nchmod 755 /etc/init.d/counter; update-rc.d counter defaults"); err != nil {
		return err
	}
	if err := n.act("bastion-1", `{"reboot":{"type":"SOFT"}}`, "ACTIVE"); err != nil {
		return err
	}
	return until("it was stopped and started", func() error {
		got, err := at("bastion-1", "cat /root/verbs")
		return errors.Join(err, want("verbs", got, "stop\nstart"))
	})
}
