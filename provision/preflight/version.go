package preflight

import (
	"cmp"
	"strconv"
	"strings"
)

// newer tells whether version a is later than b by the rules of semver.org.
// Versions that are none, such as "devel", are neither newer nor older.
func newer(a, b string) bool {
	va, ok := parseVersion(a)
	vb, ok2 := parseVersion(b)
	if !ok || !ok2 {
		return false
	}
	for i := range va.number {
		if va.number[i] != vb.number[i] {
			return va.number[i] > vb.number[i]
		}
	}
	// A pre-release comes before its release (semver 2.0.0, item 11.3).
	if (va.pre == "") != (vb.pre == "") {
		return va.pre == ""
	}
	return comparePre(va.pre, vb.pre) > 0
}

type version struct {
	number [3]int
	pre    string
}

func parseVersion(s string) (version, bool) {
	s, _, _ = strings.Cut(strings.TrimPrefix(s, "v"), "+")
	s, pre, _ := strings.Cut(s, "-")
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return version{}, false
	}
	v := version{pre: pre}
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 {
			return version{}, false
		}
		v.number[i] = n
	}
	return v, true
}

// comparePre compares pre-releases field by field: numbers by value and below
// words (semver 2.0.0, item 11.4).
func comparePre(a, b string) int {
	fa, fb := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(fa), len(fb)) {
		na, errA := strconv.Atoi(fa[i])
		nb, errB := strconv.Atoi(fb[i])
		var c int
		switch {
		case errA == nil && errB == nil:
			c = cmp.Compare(na, nb)
		case errA == nil:
			c = -1
		case errB == nil:
			c = 1
		default:
			c = cmp.Compare(fa[i], fb[i])
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(len(fa), len(fb))
}
