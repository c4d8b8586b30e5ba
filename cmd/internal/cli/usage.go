package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/havip/havip/cmd/internal/ui"
)

// usageError is a wrong command line.
type usageError struct {
	err     error
	command string
	hint    string // "" names the command's help
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// Hint tells how to do it right.
func (e *usageError) Hint() string {
	if e.hint != "" {
		return e.hint
	}
	return e.command + " --help"
}

// args makes a check of positional arguments one of usage.
func args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return ui.Usage(&usageError{err: err, command: cmd.CommandPath()})
		}
		return nil
	}
}

// oneGroup allows the name of one group.
func oneGroup(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		err := fmt.Errorf("one group at a time: %s", strings.Join(args, ", "))
		return ui.Usage(&usageError{err: err, command: cmd.CommandPath()})
	}
	return nil
}

// unknownCommand says of the first argument that it is no command, and which
// ones are like it.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	e := &usageError{err: fmt.Errorf("unknown command %q", args[0]), command: cmd.Root().CommandPath()}
	cmd.Root().SuggestionsMinimumDistance = 2
	if like := cmd.Root().SuggestionsFor(args[0]); len(like) > 0 {
		e.hint = "did you mean " + strings.Join(like, " or ") + "?"
	}
	return ui.Usage(e)
}

// newHelp is the command that shows another one's help.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:               "help [COMMAND]",
		Short:             "Show how a command is used",
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(root, args)
			}
			cmd.InitDefaultHelpFlag() // as --help has them
			cmd.InitDefaultVersionFlag()
			return cmd.Help()
		},
	}
}
