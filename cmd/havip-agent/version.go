package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
)

// versionInfo is what version --json prints.
type versionInfo struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

// currentVersion is the one that the build set, else the module's.
func currentVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func versionCommand(args []string, s Streams) error {
	fs := flag.NewFlagSet("version", flag.ContinueOnError)
	asJSON := fs.Bool("json", false, "print as JSON")
	if err := parse(fs, args, s); err != nil {
		return err
	}
	info := versionInfo{Version: currentVersion(), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if *asJSON {
		return json.NewEncoder(s.Out).Encode(info)
	}
	_, err := fmt.Fprintf(s.Out, "havip-agent %s (%s, %s/%s)\n", info.Version, info.Go, info.OS, info.Arch)
	return err
}
