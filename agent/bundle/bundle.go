// Package bundle holds the agent's binaries, one for each architecture, that
// the CLI puts on servers: those embedded in it (build tag embedagent), those
// beside it, or those that the user names.
package bundle

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
)

// ManifestName is the file that describes the binaries beside it.
const ManifestName = "manifest.json"

// FileName is the name of the binary for one architecture.
func FileName(arch string) string { return "havip-agent-linux-" + arch }

// Manifest is the content of ManifestName.
type Manifest struct {
	Version string            `json:"version"`
	SHA256  map[string]string `json:"sha256"` // of the uncompressed binary, by GOARCH
}

// Release is one version of the agent.
type Release struct {
	Version  string
	Source   string            // where it was found, for people
	Binaries map[string]Binary // by GOARCH
}

// Arches lists the architectures that the release has a binary for.
func (r Release) Arches() []string { return slices.Sorted(maps.Keys(r.Binaries)) }

// SHA256 maps each architecture to the hash of its binary.
func (r Release) SHA256() map[string]string {
	out := make(map[string]string, len(r.Binaries))
	for arch, b := range r.Binaries {
		out[arch] = b.SHA256
	}
	return out
}

// Binary is the agent for one architecture.
type Binary struct {
	SHA256 string // hex, of the uncompressed binary
	// Open gives the binary compressed with gzip.
	Open func() (io.ReadCloser, error)
}

// embedded reads the release out of the files that a build with the tag
// embedagent carries.
func embedded(files fs.FS) (Release, error) {
	data, err := fs.ReadFile(files, ManifestName)
	if err != nil {
		return Release{}, fmt.Errorf("read embedded %s: %w", ManifestName, err)
	}
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return Release{}, fmt.Errorf("parse embedded %s: %w", ManifestName, err)
	}
	rel := Release{Version: m.Version, Source: "embedded", Binaries: map[string]Binary{}}
	for arch, sum := range m.SHA256 {
		name := FileName(arch) + ".gz"
		if _, err := fs.Stat(files, name); err != nil {
			return Release{}, fmt.Errorf("find embedded agent for %s: %w", arch, err)
		}
		rel.Binaries[arch] = Binary{
			SHA256: sum,
			Open:   func() (io.ReadCloser, error) { return files.Open(name) },
		}
	}
	return rel, nil
}

// Compress writes data as gzip, as small as it gets, always the same bytes for
// the same data.
func Compress(data []byte) ([]byte, error) { return compress(data, gzip.BestCompression) }

func compress(data []byte, level int) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Sum is the hash by which binaries are told apart.
func Sum(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}
