package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/havip/havip/agent/config"
)

// maxConfig is several times what the largest configuration takes, of 255 routers
// with 255 addresses each.
const maxConfig = 16 << 20

// loadConfig reads a configuration file; sha is of its bytes, in hex.
func loadConfig(path string) (cfg config.Config, sha string, err error) {
	if path == "" {
		return cfg, "", &usageError{&hintError{
			errors.New("--config is missing"), "--config /etc/havip/GROUP.yaml",
		}}
	}
	data, err := readBounded(path, maxConfig)
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

// readBounded reads a file of at most limit bytes. An agent that is told to reload
// must not fill the memory with what stands where its file was, nor wait for the other
// end of a pipe and so never end.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s has more than %d bytes", path, limit)
	}
	return data, err
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
