package spec

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/havip/havip/agent/config"
)

// ParseVerify reads what String writes: tcp:PORT, icmp, none, or a URL. The
// long form http:URL is read as well.
func ParseVerify(s string) (Verify, error) {
	switch s {
	case string(VerifyNone):
		return Verify{Kind: VerifyNone}, nil
	case string(VerifyICMP):
		return Verify{Kind: VerifyICMP}, nil
	}
	if port, ok := strings.CutPrefix(s, "tcp:"); ok && config.ValidPort(port) {
		n, err := strconv.Atoi(port)
		return Verify{Kind: VerifyTCP, Port: n}, err
	}
	url := s
	if inner, ok := strings.CutPrefix(s, "http:"); ok && !strings.HasPrefix(inner, "/") {
		url = inner
	}
	if config.ValidURL(url) {
		return Verify{Kind: VerifyHTTP, URL: url}, nil
	}
	return Verify{}, fmt.Errorf("want tcp:PORT, icmp, none or a URL such as http://localhost/health, got %q", s)
}

// String is v as ParseVerify reads it.
func (v Verify) String() string {
	switch v.Kind {
	case VerifyTCP:
		return "tcp:" + strconv.Itoa(v.Port)
	case VerifyHTTP:
		return v.URL
	}
	return string(v.Kind)
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (v *Verify) UnmarshalText(text []byte) error {
	parsed, err := ParseVerify(string(text))
	if err == nil {
		*v = parsed
	}
	return err
}
