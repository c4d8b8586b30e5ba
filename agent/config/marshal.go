package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	yaml "go.yaml.in/yaml/v3"
)

// header begins every file that Marshal writes.
const header = "# written by havip; changes are overwritten by the next havip create\n"

// Marshal writes c as Parse reads it. Equal configurations give equal bytes.
func Marshal(c Config) ([]byte, error) {
	b := bytes.NewBufferString(header)
	e := yaml.NewEncoder(b)
	e.SetIndent(2)
	if err := e.Encode(c); err != nil {
		return nil, fmt.Errorf("write configuration of group %q: %w", c.Group, err)
	}
	if err := e.Close(); err != nil {
		return nil, fmt.Errorf("write configuration of group %q: %w", c.Group, err)
	}
	return b.Bytes(), nil
}

// MarshalYAML implements yaml.Marshaler. The YAML package looks at exported
// fields only to tell whether a struct is empty, and netip.Addr has none: with
// omitempty it would leave out every address.
func (i Interface) MarshalYAML() (any, error) {
	text := struct {
		MAC     string `yaml:"mac,omitempty"`
		Address string `yaml:"address,omitempty"`
		Name    string `yaml:"name,omitempty"`
	}{MAC: i.MAC, Name: i.Name}
	if i.Address.IsValid() {
		text.Address = i.Address.String()
	}
	return text, nil
}

// SHA256 is the digest of a file's bytes in hexadecimal, as status shows it.
func SHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
