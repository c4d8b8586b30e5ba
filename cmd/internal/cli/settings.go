package cli

import (
	"errors"
	"fmt"
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
	v.SetEnvPrefix("HAVIP")
	v.SetEnvKeyReplacer(strings.NewReplacer("-", "_"))
	v.AutomaticEnv()
	return v
}

// settable are the flags that have a default in the settings.
var settable = [...]string{
	"output", "yes", "quiet", "verbose", "os-cloud", "os-region-name", "os-interface", "os-cacert", "insecure",
	"ssh-user", "ssh-jump", "ssh-identity", "ssh-config", "host-keys", "agent-binary",
}

// load gives flags that were not set their value from the settings, and takes
// the global ones over.
func (a *app) load(cmd *cobra.Command) error {
	if dir, err := os.UserConfigDir(); err == nil {
		a.settings.SetConfigFile(filepath.Join(dir, "havip", "config.yaml"))
		err := a.settings.ReadInConfig()
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return ui.Usage(fmt.Errorf("read settings: %w", err))
		}
	}
	var errs []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || !slices.Contains(settable[:], f.Name) || !a.settings.IsSet(f.Name) {
			return
		}
		value := a.settings.GetString(f.Name)
		if list := a.settings.GetStringSlice(f.Name); f.Value.Type() == "stringSlice" || f.Value.Type() == "stringArray" {
			value = strings.Join(list, ",")
		}
		if err := f.Value.Set(value); err != nil {
			errs = append(errs, fmt.Errorf("setting %s: %w", f.Name, err))
		}
	})
	if len(errs) > 0 {
		return ui.Usage(errors.Join(errs...))
	}
	a.streams.Quiet, _ = cmd.Flags().GetBool("quiet")
	if _, err := a.format(cmd); err != nil {
		return ui.Usage(err)
	}
	return nil
}

func (a *app) format(cmd *cobra.Command) (ui.Format, error) {
	s, err := cmd.Flags().GetString("output")
	if err != nil {
		return "", err
	}
	return ui.ParseFormat(s)
}

// show writes a result to stdout in the format that was asked for.
func (a *app) show(cmd *cobra.Command, v ui.View) error {
	f, err := a.format(cmd)
	if err != nil {
		return ui.Usage(err)
	}
	return ui.Show(a.streams.Out, f, v)
}

// fail writes an error to stderr.
func (a *app) fail(err error) { ui.PrintError(a.streams.Err, err) }

// addGlobalFlags adds what every command has.
func addGlobalFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringP("output", "o", "table", "how to write the result: table, json or yaml")
	f.BoolP("quiet", "q", false, "no progress and no hints on stderr")
	f.CountP("verbose", "v", "say more: -v each API request, -vv also SSH")
	f.String("os-cloud", "", "entry of clouds.yaml (env OS_CLOUD)")
	f.String("os-region-name", "", "region (env OS_REGION_NAME)")
	f.String("os-interface", "", "endpoint: public, internal or admin (env OS_INTERFACE)")
	f.String("os-cacert", "", "CA bundle for the APIs (env OS_CACERT)")
	f.Bool("insecure", false, "do not verify the APIs' TLS certificates (env OS_INSECURE)")
}
