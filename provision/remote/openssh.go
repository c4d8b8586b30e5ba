package remote

import (
	"bufio"
	"bytes"
	"context"
	"os/exec"
	"strings"
)

// openSSH asks the installed ssh what it would do: nobody else reads Match,
// Include and the tokens as it does.
type openSSH struct {
	binary string
	config string // -F; "" is the user's own
	expand expander
}

func (o openSSH) resolve(ctx context.Context, q question) (settings, error) {
	args := []string{"-G"}
	if o.config != "" {
		args = append(args, "-F", o.config)
	}
	// Match user and the tokens depend on them.
	if q.user != "" {
		args = append(args, "-l", q.user)
	}
	if q.port != "" {
		args = append(args, "-p", q.port)
	}
	cmd := exec.CommandContext(ctx, o.binary, append(args, "--", q.host)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return settings{}, &ConfigError{Said: strings.TrimSpace(strings.ReplaceAll(stderr.String(), "\r", "")), Err: err}
	}
	return parseSSHG(q, out, o.expand), nil
}

// parseSSHG reads the output of ssh -G: lines of a keyword in lower case and
// its value.
func parseSSHG(q question, out []byte, expand expander) settings {
	s := settings{alias: q.host, hostName: q.host, port: "22"}
	var jump string
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), " ")
		value = strings.TrimSpace(value)
		switch key {
		case "hostname":
			s.hostName = value
		case "user":
			s.user = value
		case "port":
			s.port = value
		case "proxyjump":
			jump = value
		case "proxycommand":
			s.proxyCommand = value
		case "identityfile":
			s.identityFiles = append(s.identityFiles, value)
		case "certificatefile":
			s.certificates = append(s.certificates, value)
		case "identityagent":
			s.identityAgent = value
		case "identitiesonly":
			s.identitiesOnly = value == "yes"
		case "hostkeyalias":
			s.hostKeyAlias = value
		case "userknownhostsfile":
			s.knownHosts = fields(value)
		case "globalknownhostsfile":
			s.globalHosts = fields(value)
		case "hashknownhosts":
			s.hashKnownHosts = value == "yes"
		}
	}
	return expand.settings(s, jump)
}

// fields splits a list of files; one with blanks in its name is quoted in the
// file, but not by ssh -G, which leaves no way to tell.
func fields(s string) []string {
	var out []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		if rest, ok := strings.CutPrefix(s, `"`); ok {
			name, tail, _ := strings.Cut(rest, `"`)
			out, s = append(out, name), tail
			continue
		}
		name, tail, _ := strings.Cut(s, " ")
		out, s = append(out, name), tail
	}
	return out
}
