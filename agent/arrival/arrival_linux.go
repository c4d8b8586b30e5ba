package arrival

import (
	"encoding/binary"
	"time"

	"golang.org/x/sys/unix"
)

// Stamp finds the receive time stamp among the control messages of a packet: a
// struct timespec, of two words. The socket has asked for it with SO_TIMESTAMPNS.
// Zero: there is none.
func Stamp(ancillary []unix.SocketControlMessage) time.Time {
	for _, m := range ancillary {
		if m.Header.Level != unix.SOL_SOCKET || m.Header.Type != unix.SCM_TIMESTAMPNS {
			continue
		}
		switch b := m.Data; len(b) {
		case 16:
			return time.Unix(int64(binary.NativeEndian.Uint64(b)), int64(binary.NativeEndian.Uint64(b[8:])))
		case 8: // 32-bit machines
			return time.Unix(int64(binary.NativeEndian.Uint32(b)), int64(binary.NativeEndian.Uint32(b[4:])))
		}
	}
	return time.Time{}
}
