package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/havip/havip/cmd/internal/ui"
)

// generated opens every page.
const generated = "<!-- Made from the commands themselves by \"make docs\". Edits are lost. -->\n\n"

// Reference is the documentation of every command in Markdown: the pages of
// docs/commands by the names of their files.
func Reference() map[string]string {
	root := newRoot(newApp(ui.Streams{}, "dev"))
	pages := map[string]string{"README.md": overview(root)}
	for _, cmd := range documentedCommands(root) {
		pages[cmd.Name()+".md"] = page(cmd)
	}
	return pages
}

// documentedCommands are in the order of root's help: those of each group, then
// those of none.
func documentedCommands(root *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, g := range append(root.Groups(), &cobra.Group{}) {
		for _, cmd := range root.Commands() {
			if cmd.GroupID == g.ID && cmd.IsAvailableCommand() {
				all = append(all, cmd)
			}
		}
	}
	return all
}

// overview is the page of what all commands share.
func overview(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString(generated + "# Commands\n\n" + root.Long + "\n\n")
	b.WriteString("| command | |\n|---|---|\n")
	for _, cmd := range documentedCommands(root) {
		fmt.Fprintf(&b, "| [`%s`](%s.md) | %s |\n", cmd.CommandPath(), cmd.Name(), cell(cmd.Short))
	}
	b.WriteString("\n`havip help COMMAND` shows the same. Results go to stdout, as text or as\n" +
		"[JSON or YAML](../json.md); questions, progress, warnings and errors to stderr. The\n" +
		"[exit codes](../exit-codes.md) tell what came of it.\n\n## Flags of every command\n\n")
	flagTable(&b, root.PersistentFlags())
	b.WriteString("\n## Settings\n\nThese flags have a default in `~/.config/havip/config.yaml`, under the flag's name, or\n" +
		"in a variable. A flag goes over the variable, the variable over the file. What the\n" +
		"[group file](../group-file.md) says goes over both variable and settings file.\n\n| flag | variable |\n|---|---|\n")
	for _, name := range settable() {
		fmt.Fprintf(&b, "| `--%s` | `%s` |\n", name, envOf(name))
	}
	b.WriteString("\n```yaml\n# ~/.config/havip/config.yaml\nos-cloud: mycloud\nssh-user: debian\nssh-jump: [ops@203.0.113.1]\n```\n")
	return b.String()
}

// page is the page of one command.
func page(cmd *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s# %s\n\n%s.\n\n```\n%s\n```\n", generated, cmd.CommandPath(), cmd.Short, cmd.UseLine())
	if len(cmd.Aliases) > 0 {
		fmt.Fprintf(&b, "\nAlso: `%s %s`.\n", cmd.Root().Name(), strings.Join(cmd.Aliases, "`, `"))
	}
	if cmd.Long != "" {
		b.WriteString("\n" + cmd.Long + "\n")
	}
	if cmd.Example != "" {
		b.WriteString("\n## Examples\n\n```sh\n")
		for line := range strings.Lines(cmd.Example) {
			b.WriteString(strings.TrimPrefix(line, "  "))
		}
		b.WriteString("\n```\n")
	}
	if flags := cmd.LocalNonPersistentFlags(); flags.HasAvailableFlags() {
		b.WriteString("\n## Flags\n\n")
		flagTable(&b, flags)
	}
	b.WriteString("\nAnd the [flags of every command](README.md#flags-of-every-command).\n")
	return b.String()
}

func flagTable(b *strings.Builder, flags *pflag.FlagSet) {
	b.WriteString("| flag | |\n|---|---|\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if value != "" && value != "count" {
			name += " " + value
		}
		switch f.DefValue {
		case "", "false", "0", "0s", "[]":
		default:
			usage += " (default: " + f.DefValue + ")"
		}
		fmt.Fprintf(b, "| `%s` | %s |\n", name, cell(usage))
	})
}

// cell is text that may stand in a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
