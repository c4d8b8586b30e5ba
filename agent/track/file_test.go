package track

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/config"
)

func TestAFileExistsAndIsFresh(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alive")
	verdict(t, config.Check{File: path}, "no such file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	hour, minute := api.Duration(time.Hour), api.Duration(time.Minute)
	verdict(t, config.Check{File: path}, "")
	verdict(t, config.Check{File: path, MaxAge: minute}, "")
	before := time.Now().Add(-30 * time.Minute)
	if err := os.Chtimes(path, before, before); err != nil {
		t.Fatal(err)
	}
	verdict(t, config.Check{File: path}, "")
	verdict(t, config.Check{File: path, MaxAge: hour}, "")
	verdict(t, config.Check{File: path, MaxAge: minute}, path+" was last written 30m0")
}
