package cli

import (
	"runtime"

	"github.com/spf13/cobra"

	"github.com/havip/havip/agent/bundle"
	"github.com/havip/havip/cmd/internal/ui"
)

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "version",
		Short:             "Show the versions of havip and of the agent that it carries",
		Args:              args(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			v := ui.VersionView{Version: a.version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
			if release, err := bundle.Find(); err == nil {
				v.Agent, v.Arches = release.Version, release.Arches()
			}
			return a.show(v)
		},
	}
}
