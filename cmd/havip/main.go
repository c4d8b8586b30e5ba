// Command havip gives a set of OpenStack servers a highly available virtual IP.
package main

import (
	"os"

	"github.com/havip/havip/cmd/internal/cli"
	"github.com/havip/havip/cmd/internal/ui"
)

// version is set by the build: -ldflags "-X main.version=0.1.0".
var version string

func main() {
	os.Exit(cli.Main(os.Args[1:], ui.System(), version))
}
