package cli

import (
	"github.com/spf13/cobra"

	"github.com/havip/havip/cmd/internal/ui"
)

func newList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "list",
		Short:             "List the groups of the project",
		Long:              `Lists the groups of the project by their marks in the cloud, without a look at servers.`,
		Example:           `  havip list --os-cloud mycloud`,
		Args:              args(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return runList(cmd, a) },
	}
}

func runList(cmd *cobra.Command, a *app) error {
	return a.with(cmd, target{}, func(s *session) error {
		groups, err := s.List(cmd.Context())
		if err != nil {
			return err
		}
		return a.show(ui.ListView{Groups: groups})
	})
}
