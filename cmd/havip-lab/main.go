// Command havip-lab runs a command in a cloud on this machine: servers,
// networks and routers made of namespaces, with the API of OpenStack before
// them. Nothing of it is left when the command has ended.
package main

import (
	"context"
	"os"

	"github.com/havip/havip/cmd/internal/ui"
	"github.com/havip/havip/test/lab"
)

// version is set by the build: -ldflags "-X main.version=0.1.0".
var version string

func main() {
	lab.Stage() // the lab's parts are this same program
	os.Exit(run(context.Background(), os.Args[1:], ui.System()))
}

func run(ctx context.Context, args []string, streams ui.Streams) int {
	a := &app{streams: streams}
	root := newRoot(a)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil {
		ui.PrintError(streams.Err, err)
		return ui.Code(err)
	}
	return a.code
}
