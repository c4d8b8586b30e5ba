//go:build unix

package remote

import (
	"os"

	"golang.org/x/sys/unix"
)

// lockFile waits for the lock of f, which ends when f is closed.
func lockFile(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if err != unix.EINTR {
			return err
		}
	}
}
