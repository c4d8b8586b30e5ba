package preflight

import "testing"

func TestNewer(t *testing.T) {
	tests := []struct {
		a, b string
		want bool
	}{
		{"0.3.1", "0.3.0", true},
		{"v0.10.0", "0.9.9", true},
		{"0.3.0", "0.3.0", false},
		{"0.2.9", "0.3.0", false},
		{"0.3.0", "0.3.0-rc.1", true},
		{"0.3.0-rc.1", "0.3.0", false},
		{"0.3.0-rc.10", "0.3.0-rc.9", true},
		{"0.3.0-rc.1", "0.3.0-rc", true},
		{"0.3.0-rc", "0.3.0-1", true},
		{"0.3.0+build.7", "0.3.0", false},
		{"devel", "0.3.0", false},
		{"0.3.0", "devel", false},
		{"", "0.3.0", false},
	}
	for _, tt := range tests {
		if got := newer(tt.a, tt.b); got != tt.want {
			t.Errorf("newer(%q, %q) = %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}
