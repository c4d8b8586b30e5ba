package life

import (
	"os"
	"testing"

	"github.com/havip/havip/test/lab/labtest"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m, 3)) }
