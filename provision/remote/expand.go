package remote

import (
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
)

// expander fills in what ssh_config(5) calls tokens: "~", "%h", "${NAME}".
type expander struct {
	home, user, uid string
	host            string // this machine's name
	getenv          func(string) string
}

func newExpander() expander {
	e := expander{getenv: os.Getenv}
	if u, err := user.Current(); err == nil {
		// ssh goes by the password file, not by HOME.
		e.user, e.uid, e.home = u.Username, u.Uid, u.HomeDir
		if i := strings.LastIndex(e.user, `\`); i >= 0 { // DOMAIN\user
			e.user = e.user[i+1:]
		}
	}
	e.host, _ = os.Hostname()
	return e
}

// settings expands all that may hold tokens, and drops what means nothing.
func (e expander) settings(s settings, jump string) settings {
	if jump != "" && !strings.EqualFold(jump, "none") {
		for hop := range strings.SplitSeq(jump, ",") {
			s.proxyJump = append(s.proxyJump, strings.TrimSpace(hop))
		}
	}
	if strings.EqualFold(s.proxyCommand, "none") {
		s.proxyCommand = ""
	}
	s.identityFiles = e.paths(s, s.identityFiles)
	s.certificates = e.paths(s, s.certificates)
	s.knownHosts = e.paths(s, s.knownHosts)
	s.globalHosts = e.paths(s, s.globalHosts)
	s.hostKeyAlias = e.tokens(s, s.hostKeyAlias)
	switch {
	case s.identityAgent == "SSH_AUTH_SOCK":
		s.identityAgent = ""
	case strings.HasPrefix(s.identityAgent, "$") && !strings.HasPrefix(s.identityAgent, "${"):
		s.identityAgent = e.getenv(s.identityAgent[1:])
	case s.identityAgent != "" && s.identityAgent != "none":
		s.identityAgent = e.path(s, s.identityAgent)
	}
	return s
}

func (e expander) paths(s settings, in []string) []string {
	var out []string
	for _, p := range in {
		if p = e.path(s, p); p != "" && p != "none" {
			out = append(out, p)
		}
	}
	return out
}

func (e expander) path(s settings, p string) string {
	if p == "~" || strings.HasPrefix(p, "~/") {
		p = filepath.Join(e.home, strings.TrimPrefix(p[1:], "/"))
	}
	p = variable.ReplaceAllStringFunc(p, func(v string) string { return e.getenv(v[2 : len(v)-1]) })
	return e.tokens(s, p)
}

// variable is the only form that ssh takes, "${NAME}"; a plain "$" is itself.
var variable = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\}`)

// tokens replaces the tokens of ssh_config(5) that make sense in a file name
// or a command.
func (e expander) tokens(s settings, text string) string {
	short, _, _ := strings.Cut(e.host, ".")
	return strings.NewReplacer(
		"%%", "%", "%d", e.home, "%h", s.hostName, "%i", e.uid,
		"%k", firstOf(s.hostKeyAlias, s.alias), "%L", short, "%l", e.host,
		"%n", s.alias, "%p", s.port, "%r", s.user, "%u", e.user,
	).Replace(text)
}
