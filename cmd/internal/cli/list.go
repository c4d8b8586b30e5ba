package cli

import (
	"github.com/spf13/cobra"

	"github.com/havip/havip/agent/bundle"
	"github.com/havip/havip/cmd/internal/ui"
	"github.com/havip/havip/provision/spec"
)

func newList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the groups of the project",
		Args:  args(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return runList(cmd, a) },
	}
}

func runList(cmd *cobra.Command, a *app) error {
	s, err := a.connect(cmd, "", spec.SSH{}, bundle.Release{})
	if err != nil {
		return err
	}
	groups, err := s.List(cmd.Context())
	if err != nil {
		return err
	}
	return a.show(cmd, ui.ListView{Groups: groups})
}
