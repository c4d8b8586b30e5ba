package server

import (
	"context"
	"fmt"
	"strings"

	"github.com/havip/havip/provision/remote"
)

// MACs are the MAC addresses of a machine's NICs, be they up or down. It takes
// one command, which needs no root and changes nothing.
func MACs(ctx context.Context, r remote.Runner) ([]string, error) {
	// A NIC without an address of its own cannot be read: cat goes on with the
	// next one, and what a login script prints is no MAC.
	out, err := r.Run(ctx, "cat /sys/class/net/*/address 2>/dev/null; :", nil)
	if err != nil {
		return nil, fmt.Errorf("read the MACs of the server's NICs: %w", err)
	}
	return strings.Fields(string(out)), nil
}
