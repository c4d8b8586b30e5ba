package config

import (
	"fmt"
	"net"
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
	maxCheckCount    = 100 // fall and rise
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
	switch {
	case c.TCP == "" && c.HTTP == "":
		report("", "does not say what to ask", `give tcp: "host:port" or http: URL`)
	case c.TCP != "" && c.HTTP != "":
		report("", "has both tcp and http", "make two checks of it")
	}
	if c.TCP != "" && !validHostPort(c.TCP) {
		report("tcp", fmt.Sprintf("want host:port, got %q", c.TCP), `":22" is port 22 of the server itself`)
	}
	if c.HTTP != "" && !ValidURL(c.HTTP) {
		report("http", fmt.Sprintf("want a URL such as http://localhost:8080/health, got %q", c.HTTP), "")
	}
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
