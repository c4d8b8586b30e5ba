package main

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/agent/bundle"
)

func TestTwoRunsGiveTheSameBytes(t *testing.T) {
	var runs [2]map[string]string
	for i := range runs {
		dir := t.TempDir()
		args := []string{"-version", "1.2.3", "-package", "./testdata/tiny", "-out", dir}
		if err := run(t.Context(), args, io.Discard); err != nil {
			t.Fatal(err)
		}
		runs[i] = map[string]string{}
		for _, name := range []string{bundle.ManifestName, "havip-agent-linux-amd64.gz", "havip-agent-linux-arm64.gz"} {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			runs[i][name] = bundle.Sum(data)
		}
	}
	if diff := cmp.Diff(runs[0], runs[1]); diff != "" {
		t.Errorf("hashes of two runs (-first +second):\n%s", diff)
	}
}

func TestManifestIsOfTheUncompressedBinaries(t *testing.T) {
	dir := t.TempDir()
	if err := run(t.Context(), []string{"-version", "1.2.3", "-package", "./testdata/tiny", "-out", dir}, io.Discard); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, bundle.ManifestName))
	if err != nil {
		t.Fatal(err)
	}
	var got bundle.Manifest
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	want := bundle.Manifest{Version: "1.2.3", SHA256: map[string]string{}}
	for _, arch := range []string{"amd64", "arm64"} {
		f, err := os.Open(filepath.Join(dir, bundle.FileName(arch)+".gz"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		want.SHA256[arch] = bundle.Sum(data)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
}

func TestVersionMustBeGiven(t *testing.T) {
	if err := run(t.Context(), []string{"-out", t.TempDir()}, io.Discard); err == nil {
		t.Error("run without -version succeeded")
	}
}
