package remote

import (
	"os"

	"golang.org/x/sys/windows"
)

// lockFile waits for the lock of f, which ends when f is closed. The byte that
// is locked lies beyond any content, which others may go on to read.
func lockFile(f *os.File) error {
	at := &windows.Overlapped{Offset: 1 << 30}
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, at)
}
