package main

import (
	"context"

	"github.com/havip/havip/agent/vip"
)

// addressChanges signals that addresses may have come or gone.
func addressChanges(ctx context.Context) (<-chan struct{}, error) { return vip.Watch(ctx) }
