//go:build !linux

package main

import "errors"

func runCommand([]string, Streams) error {
	return errors.New("havip-agent runs on Linux only")
}
