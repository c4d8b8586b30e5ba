package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/strict"
)

// Limits of a health check. Below them it would be a load of its own, above
// them it would find a fault too late to be of use.
const (
	minCheckInterval = api.Duration(100 * time.Millisecond)
	maxCheckInterval = api.Duration(time.Hour)
	minCheckTimeout  = api.Duration(10 * time.Millisecond)
	minMaxAge        = api.Duration(100 * time.Millisecond)
	maxCheckCount    = 100 // fall and rise
	maxWords         = 64  // of a command
)

// ValidateChecks checks health checks, of an agent or of a group file. The
// fields that it reports are checks[0].name and so on.
func ValidateChecks(checks []Check, report strict.Report) {
	names := map[string]int{}
	for i, c := range checks {
		under := report.Under(fmt.Sprintf("checks[%d]", i))
		if other, taken := names[c.Name]; taken && c.Name != "" {
			under("name", fmt.Sprintf("%q is also the name of checks[%d]", c.Name, other), "")
		} else {
			names[c.Name] = i
		}
		validateCheck(c, under)
	}
}

func validateCheck(c Check, report strict.Report) {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	switch {
	case c.Name == "":
		report("name", "is missing", "status and events call the check by it")
	case len(c.Name) > 32 || strings.Trim(c.Name, letters) != "":
		report("name", fmt.Sprintf("%q cannot be the name of a check", c.Name), "a name has letters, digits, dots, hyphens and underscores, at most 32")
	}
	validateKind(c, report)
	if c.Interval < minCheckInterval || c.Interval > maxCheckInterval {
		report("interval", fmt.Sprintf("want %s to %s, got %s", minCheckInterval, maxCheckInterval, c.Interval), "")
	} else if c.Timeout < minCheckTimeout || c.Timeout > c.Interval {
		report("timeout", fmt.Sprintf("want %s to the interval, %s, got %s", minCheckTimeout, c.Interval, c.Timeout), "")
	}
	if c.Fall < 1 || c.Fall > maxCheckCount {
		report("fall", fmt.Sprintf("want 1 to %d, got %d", maxCheckCount, c.Fall), "")
	}
	if c.Rise < 1 || c.Rise > maxCheckCount {
		report("rise", fmt.Sprintf("want 1 to %d, got %d", maxCheckCount, c.Rise), "")
	}
}

// Asks is what the check asks, for people: "tcp :22".
func (c Check) Asks() string {
	var words []string
	for _, k := range kindsOf(c) {
		if k.given {
			words = append(words, k.key+" "+k.got)
		}
	}
	if len(c.Status) > 0 {
		words = append(words, fmt.Sprintf("status %d", c.Status))
	}
	if c.Insecure {
		words = append(words, "any certificate")
	}
	if c.MaxAge != 0 {
		words = append(words, "at most "+c.MaxAge.String()+" old")
	}
	return strings.Join(words, ", ")
}

// kind is one way to check: its key in the file, and what it wants.
type kind struct {
	key   string
	given bool
	valid bool
	got   string
	want  string
	hint  string
}

func kindsOf(c Check) []kind {
	return []kind{
		{"tcp", c.TCP != "", validHostPort(c.TCP), c.TCP, "host:port", `":22" is port 22 of the server itself`},
		{"http", c.HTTP != "", ValidURL(c.HTTP), c.HTTP, "a URL such as http://localhost:8080/health", ""},
		{"process", c.Process != "", validProcess(c.Process), c.Process, "the name of a process such as nginx, or the absolute path of its executable", ""},
		{"file", c.File != "", validPath(c.File), c.File, "an absolute path", ""},
		{"unit", c.Unit != "", validUnit(c.Unit), c.Unit, "a systemd unit such as nginx.service", ""},
		{"gateway", c.Gateway != "", validGateway(c.Gateway), c.Gateway, "auto, or an address such as 10.0.0.1", ""},
		{"exec", len(c.Exec) > 0, validCommand(c.Exec), strings.Join(c.Exec, " "), "a command with its absolute path, and its arguments", "a shell is a command as well: [/bin/sh, -c, ...]"},
	}
}

// validateKind checks that there is one kind, that it is right, and that
// nothing stands beside it that belongs to another.
func validateKind(c Check, report strict.Report) {
	var given []string
	for _, k := range kindsOf(c) {
		if !k.given {
			continue
		}
		given = append(given, k.key)
		if !k.valid {
			report(k.key, fmt.Sprintf("want %s, got %q", k.want, k.got), k.hint)
		}
	}
	switch n := len(given); {
	case n == 0:
		report("", "does not say what to ask", `give tcp: "host:port", http: URL, process, file, unit, gateway or exec`)
	case n > 1:
		report("", fmt.Sprintf("has both %s and %s", strings.Join(given[:n-1], ", "), given[n-1]), fmt.Sprintf("make %d checks of it", n))
	}
	if c.Insecure && !strings.HasPrefix(c.HTTP, "https:") {
		report("insecure", "is for a check of an https URL", "take the key away")
	}
	if len(c.Status) > 0 && c.HTTP == "" {
		report("status", "is for a check of http", "take the key away")
	}
	for i, s := range c.Status {
		if s < 100 || s > 599 {
			report(fmt.Sprintf("status[%d]", i), fmt.Sprintf("want a status of HTTP, 100 to 599, got %d", s), "")
		}
	}
	switch {
	case c.MaxAge != 0 && c.File == "":
		report("max_age", "is for a check of a file", "take the key away")
	case c.MaxAge != 0 && c.MaxAge < minMaxAge:
		report("max_age", fmt.Sprintf("want %s or more, got %s", minMaxAge, c.MaxAge), "")
	}
}

// validHostPort takes an empty host: the server itself.
func validHostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	return err == nil && ValidPort(port) && !strings.ContainsAny(host, " \t\r\n/@")
}

// ValidPort tells whether s is a TCP port.
func ValidPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// ValidURL tells whether s is a URL that can be asked through HTTP.
func ValidURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" &&
		(u.Port() == "" || ValidPort(u.Port()))
}

// validProcess takes a name as ps shows it, or a path.
func validProcess(s string) bool {
	return validPath(s) || !strings.ContainsAny(s, "/\x00\n")
}

// validUnit keeps to the names that systemd.unit(5) allows, with their type.
func validUnit(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@"
	dot := strings.LastIndexByte(s, '.')
	if dot < 1 || len(s) > 255 || strings.Trim(s, letters) != "" {
		return false
	}
	switch s[dot+1:] {
	case "service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer", "slice", "scope":
		return true
	}
	return false
}

func validGateway(s string) bool {
	if s == GatewayAuto {
		return true
	}
	a, err := netip.ParseAddr(s)
	return err == nil && ValidateAddress(a, func(string, string, string) {})
}

func validCommand(words []string) bool {
	return len(words) > 0 && len(words) <= maxWords && validPath(words[0]) &&
		!strings.ContainsRune(strings.Join(words, ""), 0)
}
