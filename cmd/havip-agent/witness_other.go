//go:build !linux

package main

import (
	"context"
	"errors"
)

func addressChanges(context.Context) (<-chan struct{}, error) {
	return nil, errors.New("watching addresses works on Linux only")
}
