package apply

import (
	"context"
	"time"
)

// How long a request that must not be cut off, and what tidies up after a run
// that was, may take.
const (
	wholeTime     = 30 * time.Second
	afterwardTime = 2 * time.Minute
)

// uncut is the context of one request that changes something: Ctrl-C does not
// cut it off, since only its answer tells what it made, and so what there is
// to take back.
func uncut(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), wholeTime)
}

// afterwards is the context of what is tidied up although the run is over.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), afterwardTime)
}
