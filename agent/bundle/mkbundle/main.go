// Command mkbundle cross-compiles the agent for the architectures of servers
// and leaves it, compressed and with a manifest, where a build of the CLI with
// the tag embedagent picks it up. The same source gives the same bytes.
//
//	go run ./agent/bundle/mkbundle -version 0.3.0
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/havip/havip/agent/bundle"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("mkbundle", flag.ContinueOnError)
	flags.SetOutput(stderr)
	version := flags.String("version", "", "version of the agent (required)")
	pkg := flags.String("package", "./cmd/havip-agent", "package to compile")
	out := flags.String("out", filepath.Join("agent", "bundle", "dist"), "folder to write to")
	loose := flags.Bool("loose", false, "write plain binaries, to lie beside a CLI that has none embedded")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *version == "" {
		return errors.New("-version is missing")
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return err
	}
	// The manifest vouches for what lies beside it: gone first, written last.
	manifestPath := filepath.Join(*out, bundle.ManifestName)
	if err := os.Remove(manifestPath); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	arches := []string{"amd64", "arm64"}
	binaries := make([][]byte, len(arches))
	g, gctx := errgroup.WithContext(ctx)
	for i, arch := range arches {
		g.Go(func() (err error) {
			binaries[i], err = compile(gctx, *pkg, arch, *version)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	manifest := bundle.Manifest{Version: *version, SHA256: map[string]string{}}
	for i, arch := range arches {
		manifest.SHA256[arch] = bundle.Sum(binaries[i])
		if err := write(*out, arch, binaries[i], *loose, stderr); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(manifestPath, append(text, '\n'), 0o644)
}

// What the agent may grow to, in bytes: as a stripped binary, and compressed as
// it travels to servers and lies in the CLI.
const (
	maxBinary = 10_000_000
	maxPacked = 4_000_000
)

func write(dir, arch string, binary []byte, loose bool, log io.Writer) error {
	name, data, mode := bundle.FileName(arch), binary, os.FileMode(0o755)
	if len(binary) > maxBinary {
		return fmt.Errorf("%s has grown to %d bytes, more than %d", name, len(binary), maxBinary)
	}
	if !loose {
		packed, err := bundle.Compress(binary)
		if err != nil {
			return fmt.Errorf("compress %s: %w", name, err)
		}
		if len(packed) > maxPacked {
			return fmt.Errorf("%s has grown to %d bytes compressed, more than %d", name, len(packed), maxPacked)
		}
		name, data, mode = name+".gz", packed, 0o644
	}
	fmt.Fprintf(log, "%s  %.1f MB, written %.1f MB\n", name, float64(len(binary))/1e6, float64(len(data))/1e6)
	return os.WriteFile(filepath.Join(dir, name), data, mode)
}

// compile builds one binary without anything of this machine in it.
func compile(ctx context.Context, pkg, arch, version string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "mkbundle-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, bundle.FileName(arch))
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags=-s -w -buildid= -X main.version="+version, "-o", path, pkg)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0",
		"GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compile %s for %s: %w\n%s", pkg, arch, err, out)
	}
	return os.ReadFile(path)
}
