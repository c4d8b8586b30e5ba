package ui

import (
	"fmt"
	"io"
	"strings"
)

// KnownHostsView are lines for a known_hosts file.
type KnownHostsView struct {
	Group string
	Lines []string
	Err   error // members whose keys could not be read
}

// Human implements View: the lines and nothing else, to be appended to a file.
func (v KnownHostsView) Human(w io.Writer) {
	for _, l := range v.Lines {
		fmt.Fprintln(w, l)
	}
}

type knownHostsObject struct {
	Header
	Group  string    `json:"group"`
	Lines  []string  `json:"lines"`
	Errors []Finding `json:"errors"`
}

// Object implements View.
func (v KnownHostsView) Object() any {
	return knownHostsObject{NewHeader("known-hosts"), v.Group, list(v.Lines), list(NewFailure(v.Err).Findings)}
}

// VersionView are the versions of havip and of the agent that it carries.
type VersionView struct {
	Version, Go, Platform string
	Agent                 string // "" when it carries none
	Arches                []string
}

// Human implements View.
func (v VersionView) Human(w io.Writer) {
	fmt.Fprintf(w, "havip %s (%s, %s)\n", v.Version, v.Go, v.Platform)
	if v.Agent == "" {
		fmt.Fprintln(w, "agent none in this build: see --agent-binary")
		return
	}
	fmt.Fprintf(w, "agent %s for linux %s\n", v.Agent, strings.Join(v.Arches, ", "))
}

type versionObject struct {
	Header
	Havip    string   `json:"havip"`
	Agent    string   `json:"agent,omitempty"`
	Arches   []string `json:"agent_arches,omitempty"`
	Go       string   `json:"go"`
	Platform string   `json:"platform"`
}

// Object implements View.
func (v VersionView) Object() any {
	return versionObject{NewHeader("version"), v.Version, v.Agent, v.Arches, v.Go, v.Platform}
}
