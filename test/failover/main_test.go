package failover

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/havip/havip/test/lab/labtest"
)

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == standIn {
		if err := openStack(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(labtest.Main(m, 17))
}
