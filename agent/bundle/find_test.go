package bundle

import (
	"compress/gzip"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// executable is the least that debug/elf takes for one; tail makes it another.
func executable(t *testing.T, machine elf.Machine, tail string) []byte {
	t.Helper()
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Ehsize: 64}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	data, err := binary.Append(nil, binary.LittleEndian, h)
	if err != nil {
		t.Fatal(err)
	}
	return append(data, tail...)
}

func write(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func content(t *testing.T, b Binary) string {
	t.Helper()
	r, err := b.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	z, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func embeddedFor(t *testing.T, version string, data []byte) fstest.MapFS {
	t.Helper()
	packed, err := Compress(data)
	if err != nil {
		t.Fatal(err)
	}
	m, err := json.Marshal(Manifest{Version: version, SHA256: map[string]string{"amd64": Sum(data)}})
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{ManifestName: {Data: m}, "havip-agent-linux-amd64.gz": {Data: packed}}
}

func TestBinariesNamedByTheUserComeFirst(t *testing.T) {
	dir := t.TempDir()
	amd := executable(t, elf.EM_X86_64, "named")
	arm := executable(t, elf.EM_AARCH64, "named too")
	paths := []string{"", write(t, dir, "a", amd), write(t, dir, "b", arm)}
	manifest, err := json.Marshal(Manifest{Version: "2.0.0", SHA256: map[string]string{"amd64": Sum(amd), "arm64": Sum(arm)}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, ManifestName, manifest)

	rel, err := find(paths, embeddedFor(t, "1.0.0", executable(t, elf.EM_X86_64, "embedded")), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if rel.Version != "2.0.0" || rel.Source != "--agent-binary" {
		t.Errorf("version %q from %q, want 2.0.0 from --agent-binary", rel.Version, rel.Source)
	}
	if diff := cmp.Diff(map[string]string{"amd64": Sum(amd), "arm64": Sum(arm)}, rel.SHA256()); diff != "" {
		t.Errorf("hashes (-want +got):\n%s", diff)
	}
	if got := content(t, rel.Binaries["arm64"]); got != string(arm) {
		t.Errorf("content of the arm64 binary is %q", got)
	}
}

func TestEmbeddedBinariesComeBeforeThoseBesideTheExecutable(t *testing.T) {
	beside := t.TempDir()
	write(t, beside, "havip-agent-linux-amd64", executable(t, elf.EM_X86_64, "beside"))
	data := executable(t, elf.EM_X86_64, "embedded")
	rel, err := find([]string{""}, embeddedFor(t, "1.0.0", data), beside)
	if err != nil {
		t.Fatal(err)
	}
	if rel.Version != "1.0.0" || content(t, rel.Binaries["amd64"]) != string(data) {
		t.Errorf("found %s with %q", rel.Version, content(t, rel.Binaries["amd64"]))
	}
}

func TestBinaryBesideTheExecutableWithoutAVersionIsKnownByItsHash(t *testing.T) {
	beside := t.TempDir()
	data := executable(t, elf.EM_AARCH64, "beside")
	write(t, beside, "havip-agent-linux-arm64", data)
	// A manifest of other binaries says nothing about this one.
	write(t, beside, ManifestName, []byte(`{"version":"9.9.9","sha256":{"arm64":"00"}}`))
	rel, err := find(nil, nil, beside)
	if err != nil {
		t.Fatal(err)
	}
	if want := "sha256-" + Sum(data)[:12]; rel.Version != want {
		t.Errorf("version %q, want %q", rel.Version, want)
	}
	if diff := cmp.Diff([]string{"arm64"}, rel.Arches()); diff != "" {
		t.Errorf("architectures (-want +got):\n%s", diff)
	}
}

func TestNoBinaryAnywhereTellsHowToGiveOne(t *testing.T) {
	_, err := find(nil, nil, t.TempDir())
	missing, ok := errors.AsType[*MissingError](err)
	if !ok {
		t.Fatalf("error %v, want a MissingError", err)
	}
	for _, way := range []string{"make build", "--agent-binary", "go install"} {
		if !strings.Contains(missing.Hint(), way) {
			t.Errorf("the hint %q does not name %q", missing.Hint(), way)
		}
	}
}

func TestUnfitBinariesAreRefused(t *testing.T) {
	dir := t.TempDir()
	versioned := func(version, arch string, data []byte) string {
		dir := t.TempDir()
		m, err := json.Marshal(Manifest{Version: version, SHA256: map[string]string{arch: Sum(data)}})
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, ManifestName, m)
		return write(t, dir, "agent", data)
	}
	tests := []struct {
		name  string
		paths []string
		want  string
	}{
		{"a file that is not there", []string{filepath.Join(dir, "none")}, "no such file"},
		{"a shell script", []string{write(t, dir, "script", []byte("#!/bin/sh\n"))}, "no Linux executable"},
		{"another architecture", []string{write(t, dir, "riscv", executable(t, elf.EM_RISCV, ""))}, "amd64 and arm64"},
		{"two for one architecture", []string{
			write(t, dir, "one", executable(t, elf.EM_X86_64, "1")), write(t, dir, "two", executable(t, elf.EM_X86_64, "2")),
		}, "another one for amd64"},
		{"two versions", []string{
			versioned("1.0.0", "amd64", executable(t, elf.EM_X86_64, "")), versioned("2.0.0", "arm64", executable(t, elf.EM_AARCH64, "")),
		}, "the other one"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := find(tt.paths, nil, dir)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}
