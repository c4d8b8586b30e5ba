package bundle

import (
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// load makes a release of binaries that lie in the file system.
func load(source string, paths []string) (Release, error) {
	rel := Release{Source: source, Binaries: map[string]Binary{}}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return Release{}, fmt.Errorf("read agent binary: %w", err)
		}
		arch, err := archOf(data)
		if err != nil {
			return Release{}, fmt.Errorf("read agent binary %q: %w", path, err)
		}
		if _, ok := rel.Binaries[arch]; ok {
			return Release{}, fmt.Errorf("read agent binary %q: there is another one for %s", path, arch)
		}
		sum := Sum(data)
		if version := versionOf(path, data, arch, sum); version != "" {
			if rel.Version != "" && rel.Version != version {
				return Release{}, fmt.Errorf("read agent binary %q: it is version %s, the other one %s", path, version, rel.Version)
			}
			rel.Version = version
		}
		// Once for all servers, and quickly: it is sent while somebody waits.
		pack := sync.OnceValues(func() ([]byte, error) { return compress(data, gzip.DefaultCompression) })
		rel.Binaries[arch] = Binary{SHA256: sum, Open: func() (io.ReadCloser, error) {
			packed, err := pack()
			if err != nil {
				return nil, fmt.Errorf("compress agent binary: %w", err)
			}
			return io.NopCloser(bytes.NewReader(packed)), nil
		}}
	}
	if rel.Version == "" {
		// No version is known: the hash must do, so that two builds are still
		// told apart.
		rel.Version = "sha256-" + rel.Binaries[rel.Arches()[0]].SHA256[:12]
	}
	return rel, nil
}

// archOf reads the GOARCH out of the header of a Linux executable.
func archOf(data []byte) (string, error) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return "", errors.New("it is no Linux executable")
	}
	defer f.Close()
	if f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN {
		return "", fmt.Errorf("it is no executable but %s", f.Type)
	}
	switch f.Machine {
	case elf.EM_X86_64:
		return "amd64", nil
	case elf.EM_AARCH64:
		return "arm64", nil
	default:
		return "", fmt.Errorf("it is for %s; the agent runs on amd64 and arm64", f.Machine)
	}
}

// versionOf is the version of a loose binary: what the manifest beside it
// says, if that is of this very binary; else what the Go linker wrote into it.
// A binary built with -trimpath from a work tree has neither, and gives "".
func versionOf(path string, data []byte, arch, sum string) string {
	if text, err := os.ReadFile(filepath.Join(filepath.Dir(path), ManifestName)); err == nil {
		var m Manifest
		if json.Unmarshal(text, &m) == nil && m.SHA256[arch] == sum {
			return m.Version
		}
	}
	if info, err := buildinfo.Read(bytes.NewReader(data)); err == nil {
		for _, s := range info.Settings {
			if s.Key != "-ldflags" {
				continue
			}
			for _, field := range strings.Fields(s.Value) {
				if v, ok := strings.CutPrefix(field, "main.version="); ok {
					return strings.Trim(v, `"'`)
				}
			}
		}
		if v, ok := strings.CutPrefix(info.Main.Version, "v"); ok {
			return v // go install ...@v0.3.0
		}
	}
	return ""
}
