package lab

import (
	"os"

	"github.com/havip/havip/test/lab/guest"
)

// rootStage is argv[0] of the lab's root.
const rootStage = "havip-lab-root"

// Stage takes over when this process was started by the lab as a part of it,
// and does not return then.
func Stage() {
	switch os.Args[0] {
	case rootStage:
		os.Exit(root())
	case guest.InitStage:
		os.Exit(guest.Init())
	case guest.SSHStage:
		os.Exit(guest.SSH())
	}
}
