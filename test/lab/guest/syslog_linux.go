package guest

import (
	"bytes"
	"fmt"
	"net"
	"os"
)

// logTo writes what comes to the socket into the file, as a syslog daemon does.
func logTo(socket, file string) error {
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("listen on %s: %w", socket, err)
	}
	if err := os.Chmod(socket, 0o666); err != nil {
		return fmt.Errorf("open %s to all: %w", socket, err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return fmt.Errorf("open the system log: %w", err)
	}
	go func() {
		buffer := make([]byte, 64<<10)
		for {
			n, err := c.Read(buffer)
			if err != nil {
				return
			}
			_, _ = f.Write(append(withoutPriority(bytes.TrimRight(buffer[:n], "\n\x00")), '\n'))
		}
	}()
	return nil
}

// withoutPriority cuts the "<30>" that a message begins with.
func withoutPriority(m []byte) []byte {
	if bytes.HasPrefix(m, []byte("<")) {
		if _, rest, ok := bytes.Cut(m, []byte(">")); ok {
			return bytes.Clone(rest)
		}
	}
	return bytes.Clone(m)
}
