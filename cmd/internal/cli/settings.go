package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"

	"github.com/havip/havip/cmd/internal/ui"
)

// newSettings reads the global settings, from ~/.config/havip/config.yaml and
// from HAVIP_* variables. The group file has nothing to do with them.
func newSettings() *viper.Viper {
	v := viper.New()
	v.SetEnvPrefix(envPrefix)
	v.SetEnvKeyReplacer(strings.NewReplacer("-", "_"))
	v.AutomaticEnv()
	return v
}

const envPrefix = "HAVIP"

// envOf is the variable that sets a flag.
func envOf(flag string) string {
	return envPrefix + "_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// settable are the flags that have a default in the settings.
func settable() []string {
	return []string{
		"agent-binary", "host-keys", "insecure", "os-cacert", "os-cloud", "os-interface", "os-region-name",
		"output", "quiet", "ssh-config", "ssh-identity", "ssh-jump", "ssh-user", "verbose", "yes",
	}
}

// load gives flags that were not set their value from the settings, and takes
// the global ones over.
func (a *app) load(cmd *cobra.Command) error {
	if err := a.readSettings(); err != nil {
		return ui.Usage(err)
	}
	var errs []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || !slices.Contains(settable(), f.Name) || !a.settings.IsSet(f.Name) {
			return
		}
		// Not cmd.Flags().Set: Changed stays false, which tells a setting from
		// a flag.
		for _, value := range valuesOf(f, a.settings.Get(f.Name)) {
			if err := f.Value.Set(value); err != nil {
				errs = append(errs, fmt.Errorf("setting %s (%s): %w", f.Name, envOf(f.Name), wanted(f, value, err)))
				return
			}
		}
	})
	a.streams.Quiet, _ = cmd.Flags().GetBool("quiet")
	output, _ := cmd.Flags().GetString("output")
	format, err := ui.ParseFormat(output)
	if err != nil {
		errs = append(errs, err)
	}
	a.format = format
	return ui.Usage(errors.Join(errs...))
}

// readSettings reads the settings file, if there is one.
func (a *app) readSettings() error {
	dir, err := os.UserConfigDir()
	if err != nil {
		return nil // without a home there is no settings file
	}
	path := filepath.Join(dir, "havip", "config.yaml")
	a.settings.SetConfigFile(path)
	if err := a.settings.ReadInConfig(); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("read settings %s: %w", path, err)
	}
	var errs []error
	for _, key := range a.settings.AllKeys() {
		if !slices.Contains(settable(), key) {
			errs = append(errs, &usageError{
				err:  fmt.Errorf("%s: unknown setting %q", path, key),
				hint: "the settings are: " + strings.Join(settable(), ", "),
			})
		}
	}
	return errors.Join(errs...)
}

// wanted says what a flag takes, where what Set says is for programmers.
func wanted(f *pflag.Flag, value string, err error) error {
	switch f.Value.Type() {
	case "bool":
		return fmt.Errorf("want true or false, got %q", value)
	case "count":
		return fmt.Errorf("want a number such as 1, got %q", value)
	}
	return err
}

// valuesOf is a setting as its flag would be typed. In a variable, a flag that
// is repeated has its values like PATH.
func valuesOf(f *pflag.Flag, setting any) []string {
	if all, ok := setting.([]any); ok {
		var out []string
		for _, v := range all {
			out = append(out, fmt.Sprint(v))
		}
		return out
	}
	text := fmt.Sprint(setting)
	if f.Value.Type() == "stringArray" {
		return filepath.SplitList(text)
	}
	return []string{text}
}

// addGlobalFlags adds what every command has.
func addGlobalFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringP("output", "o", string(ui.Table), "`FORMAT` of the result: table, json or yaml")
	f.BoolP("quiet", "q", false, "no progress on stderr; questions, warnings and errors stay")
	// The empty quotes keep pflag from naming a value that nobody gives.
	f.CountP("verbose", "v", "say more on stderr``: -v each API request, -vv also each SSH command")
	f.BoolP("yes", "y", false, "do not ask before something is changed")
	f.String("os-cloud", "", "`ENTRY` of clouds.yaml (else OS_CLOUD)")
	f.String("os-region-name", "", "`REGION` (else OS_REGION_NAME)")
	f.String("os-interface", "", "`ENDPOINT`: public, internal or admin (else OS_INTERFACE)")
	f.String("os-cacert", "", "CA bundle `FILE` for the APIs (else OS_CACERT)")
	f.Bool("insecure", false, "do not verify the APIs' TLS certificates (else OS_INSECURE)")
	choose(root, "output", string(ui.Table), string(ui.JSON), string(ui.YAML))
	choose(root, "os-interface", "public", "internal", "admin")
	_ = root.MarkPersistentFlagFilename("os-cacert")
}

// choose makes shells complete a flag with one of values.
func choose(cmd *cobra.Command, flag string, values ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
