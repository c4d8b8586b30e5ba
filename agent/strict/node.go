package strict

import (
	"encoding"
	"net/netip"
	"reflect"
	"strconv"

	"github.com/havip/havip/agent/api"

	yaml "go.yaml.in/yaml/v3"
)

// Unmarshaler is a type that decodes itself, such as one that is written
// either as a name or as a mapping. It reports problems to the node.
type Unmarshaler interface{ UnmarshalNode(Node) }

// Node is a value in the file, as an Unmarshaler sees it. It is never empty.
type Node struct {
	node, at *yaml.Node // what stands there; where: differs for an alias
	field    string
	decoder  *decoder
}

// IsScalar tells that the value is neither a list nor a mapping.
func (n Node) IsScalar() bool { return n.node.Kind == yaml.ScalarNode }

// Has tells whether the value is a mapping in which key has been decoded.
func (n Node) Has(key string) bool { return n.decoder.doc.Has(join(n.field, key)) }

// Decode decodes the value into what into points to, which must be of another
// type than the Unmarshaler itself.
func (n Node) Decode(into any) { n.decoder.value(n.at, n.field, reflect.ValueOf(into).Elem()) }

// Refuse reports that the value does not fit.
func (n Node) Refuse(message, hint string) { n.decoder.refuse(n.at, n.field, message, hint) }

// String is the value as messages show it.
func (n Node) String() string { return describe(n.node) }

// text decodes a scalar into a type that reads text.
func (d *decoder) text(n, at *yaml.Node, field string, into encoding.TextUnmarshaler) {
	want := ""
	switch into.(type) {
	case *api.Duration:
		want = "a duration such as 300ms or 1s"
	case *netip.Addr:
		want = "an IP address such as 10.0.0.136"
	case *netip.Prefix:
		want = "an address with a prefix length such as 10.0.0.136/32"
	}
	if n.Kind != yaml.ScalarNode {
		if want == "" {
			want = "text"
		}
		d.refuse(at, field, "want "+want+", got "+describe(n), "")
		return
	}
	err := into.UnmarshalText([]byte(n.Value))
	switch {
	case want == "" && err != nil:
		d.refuse(at, field, err.Error(), "")
	case want != "" && (err != nil || n.Value == ""): // netip takes "" for the zero address
		d.refuse(at, field, "want "+want+", got "+describe(n), "")
	}
}

// describe names what stands in the file.
func describe(n *yaml.Node) string {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "a mapping"
	}
	return strconv.Quote(clip(n.Value))
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}
