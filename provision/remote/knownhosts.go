package remote

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// loadKnownHosts reads those of the files that exist.
func loadKnownHosts(files []string) (*knownhosts.HostKeyDB, error) {
	var there []string
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && info.Mode().IsRegular() {
			there = append(there, f)
		}
	}
	db, err := knownhosts.NewDB(there...)
	if err == nil {
		return db, nil
	}
	// ssh passes over a line that it cannot read; the library gives up.
	dir, tempErr := os.MkdirTemp("", "havip-known-hosts-")
	if tempErr != nil {
		return nil, fmt.Errorf("read known_hosts: %w", errors.Join(err, tempErr))
	}
	defer os.RemoveAll(dir)
	var clean []string
	for i, f := range there {
		data, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read known_hosts: %w", err)
		}
		path := filepath.Join(dir, fmt.Sprintf("%d-%s", i, filepath.Base(f)))
		if err := os.WriteFile(path, readableLines(data), 0o600); err != nil {
			return nil, fmt.Errorf("read known_hosts: %w", err)
		}
		clean = append(clean, path)
	}
	db, err = knownhosts.NewDB(clean...)
	if err != nil {
		return nil, fmt.Errorf("read known_hosts: %w", err)
	}
	return db, nil
}

// readableLines empties the lines that are no entry and keeps the numbers of
// the others.
func readableLines(data []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(data) {
		if _, _, _, _, _, err := ssh.ParseKnownHosts(line); err == nil {
			out.Write(bytes.TrimRight(line, "\r\n"))
		}
		out.WriteByte('\n')
	}
	return out.Bytes()
}

// remember adds keys of host to the user's known_hosts, unless another run has
// written one meanwhile: then that one counts.
func (h *hostKeys) remember(host string, addr net.Addr, seen ssh.PublicKey, keys []ssh.PublicKey) (err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.settings.knownHosts) == 0 {
		return nil // UserKnownHostsFile none: the user wants nothing kept
	}
	path := h.settings.knownHosts[0]
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keep the host key of %s: %w", host, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("keep the host key of %s: %w", host, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := lockFile(f); err != nil {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	problem, err := h.known(host, addr, seen)
	if err != nil || problem == nil {
		return err
	}
	if problem.Problem != KeyUnknown {
		return problem
	}
	text, err := missingNewline(f)
	if err != nil {
		return fmt.Errorf("keep the host key of %s: %w", host, err)
	}
	name := knownhosts.Normalize(host)
	if h.settings.hashKnownHosts {
		name = xknownhosts.HashHostname(name)
	}
	for _, k := range keys {
		text = append(text, name+" "...)
		text = append(text, ssh.MarshalAuthorizedKey(k)...)
	}
	// One write: a reader sees all of it or nothing.
	if _, err := f.Write(text); err != nil {
		return fmt.Errorf("keep the host key of %s: %w", host, err)
	}
	return nil
}

// missingNewline ends a last line that an editor left open.
func missingNewline(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 || info.Mode()&fs.ModeType != 0 {
		return nil, err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if last[0] == '\n' {
		return nil, nil
	}
	return []byte("\n"), nil
}
