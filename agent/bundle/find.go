package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// MissingError says that the CLI has no agent to put on a server.
type MissingError struct {
	Looked string // the folder that was searched last
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("find the agent's binary: this build of havip carries none, and there is none in %s", e.Looked)
}

// Hint says how to give it one.
func (e *MissingError) Hint() string {
	return "a plain \"go install\" or \"go build\" leaves it out: use a released havip, build with \"make build\", or name the binary with --agent-binary FILE (once for each architecture)"
}

// FileError is a named file that is no agent for servers.
type FileError struct{ Err error }

func (e *FileError) Error() string { return e.Err.Error() }

func (e *FileError) Unwrap() error { return e.Err }

// Hint says what it should be.
func (e *FileError) Hint() string {
	return "name a havip-agent that was built for Linux: --agent-binary FILE, once for each architecture"
}

// Find gives the agent to install: the binaries named explicitly, one for each
// architecture; else the embedded ones; else those beside the executable.
func Find(explicit ...string) (Release, error) {
	exe, err := os.Executable()
	if err != nil {
		return Release{}, fmt.Errorf("find the agent's binary: %w", err)
	}
	// Through the link that a package manager made, to where the agents are.
	if real, err := filepath.EvalSymlinks(exe); err == nil {
		exe = real
	}
	return find(explicit, embeddedFiles(), filepath.Dir(exe))
}

func find(explicit []string, files fs.FS, beside string) (Release, error) {
	var named []string
	for _, path := range explicit {
		if path != "" { // an unset flag
			named = append(named, path)
		}
	}
	if len(named) > 0 {
		rel, err := load("--agent-binary", named)
		if err != nil {
			return Release{}, &FileError{Err: err}
		}
		return rel, nil
	}
	if files != nil {
		return embedded(files)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		path := filepath.Join(beside, FileName(arch))
		if _, err := os.Stat(path); err == nil {
			named = append(named, path)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return Release{}, fmt.Errorf("find the agent's binary: %w", err)
		}
	}
	if len(named) == 0 {
		return Release{}, &MissingError{Looked: beside}
	}
	return load(beside, named)
}
