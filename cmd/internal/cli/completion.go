package cli

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/havip/havip/cmd/internal/ui"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

// shells are those that completion knows, with the function that writes a
// script for each.
func shells(root *cobra.Command, out *bytes.Buffer) map[string]func() error {
	return map[string]func() error{
		"bash":       func() error { return root.GenBashCompletionV2(out, true) },
		"fish":       func() error { return root.GenFishCompletion(out, true) },
		"powershell": func() error { return root.GenPowerShellCompletionWithDesc(out) },
		"zsh":        func() error { return root.GenZshCompletion(out) },
	}
}

func newCompletion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|fish|powershell|zsh",
		Short: "Print a script that completes havip's commands in a shell",
		Long: `Prints a script that makes a shell complete havip's commands, flags and, asking the
cloud that the flags or OS_CLOUD name, the names of groups. The script for bash needs
the package bash-completion.`,
		Example: `  source <(havip completion bash)
  havip completion zsh > "${fpath[1]}/_havip"
  havip completion fish > ~/.config/fish/completions/havip.fish
  havip completion powershell | Out-String | Invoke-Expression`,
		Args:                  args(oneShell),
		ValidArgs:             []string{"bash", "fish", "powershell", "zsh"},
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			var b bytes.Buffer
			if err := shells(cmd.Root(), &b)[args[0]](); err != nil {
				return err
			}
			return unlessNoReader(ui.Write(a.streams.Out, b.Bytes()))
		},
	}
}

// oneShell wants the name of a shell that completion knows.
func oneShell(cmd *cobra.Command, names []string) error {
	if len(names) != 1 || !slices.Contains(cmd.ValidArgs, names[0]) {
		return fmt.Errorf("want one of %s, got %q", strings.Join(cmd.ValidArgs, ", "), strings.Join(names, " "))
	}
	return nil
}

// completionTime is how long a shell may wait for the cloud.
const completionTime = 3 * time.Second

// completeGroup completes a group's name with those of the project. Whatever
// is wrong, nothing is said: a person is typing.
func (a *app) completeGroup(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	const nothingElse = cobra.ShellCompDirectiveNoFileComp
	if len(args) > 0 || a.load(cmd) != nil {
		return nil, nothingElse
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	client, err := openstack.Connect(ctx, a.login(cmd, ""))
	if err != nil {
		return nil, nothingElse
	}
	ports, err := client.Ports(ctx, openstack.PortFilter{Tags: []string{plan.TagHavip}})
	if err != nil {
		return nil, nothingElse
	}
	var names []string
	for _, p := range ports {
		if name := plan.GroupOf(p.Tags, p.Description); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nothingElse
}
