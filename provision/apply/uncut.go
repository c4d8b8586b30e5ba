package apply

import (
	"context"
	"time"

	"github.com/havip/havip/openstack"
)

// afterwardTime bounds what tidies up after a run that is over.
const afterwardTime = 2 * time.Minute

// uncut is the context of one request that changes something: Ctrl-C does not
// cut it off, since only its answer tells what it made, and so what there is
// to take back. It has the time that the client gives it.
func uncut(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), openstack.TotalTimeout)
}

// afterwards is the context of what is tidied up although the run is over.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), afterwardTime)
}
