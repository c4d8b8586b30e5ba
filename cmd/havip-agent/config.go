package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/havip/havip/agent/config"
)

// loadConfig reads a configuration file; sha is of its bytes, in hex.
func loadConfig(path string) (cfg config.Config, sha string, err error) {
	if path == "" {
		return cfg, "", &usageError{&hintError{
			errors.New("--config is missing"), "--config /etc/havip/GROUP.yaml",
		}}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return cfg, "", &usageError{fmt.Errorf("read configuration: %w", err)}
	}
	cfg, err = config.Parse(data, path)
	if err != nil {
		return cfg, "", &usageError{err}
	}
	sum := sha256.Sum256(data)
	return cfg, hex.EncodeToString(sum[:]), nil
}

func validateCommand(args []string, s Streams) error {
	fs := flag.NewFlagSet("validate", flag.ContinueOnError)
	path := fs.String("config", "", "`FILE` to check")
	if err := parse(fs, args, s); err != nil {
		return err
	}
	cfg, _, err := loadConfig(*path)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "%s: ok, group %s, %d router(s), %d check(s)\n",
		*path, cfg.Group, len(cfg.Routers), len(cfg.Checks))
	return err
}
