package spec

import (
	"encoding"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func readDoc(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../docs/group-file.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// keys are the paths of all keys of a schema: vrrp.id, servers[].ssh.host.
func keys(t reflect.Type, under string) []string {
	for t.Kind() == reflect.Slice {
		t, under = t.Elem(), under+"[]"
	}
	if t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return nil
	}
	var all []string
	for i := range t.NumField() {
		f := t.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if key == "" {
			continue // not in the file
		}
		path := strings.TrimPrefix(under+"."+key, ".")
		all = append(append(all, path), keys(f.Type, path)...)
	}
	return all
}

func TestTheDocumentHasExactlyTheKeysOfTheSchema(t *testing.T) {
	want := keys(reflect.TypeFor[document](), "")
	var got []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|(?:[^|]*\\|){3}$").FindAllStringSubmatch(readDoc(t), -1) {
		got = append(got, row[1])
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys of the schema and of docs/group-file.md differ (-schema +document)\n%s", diff)
	}
}

// The pieces of YAML in the document must be accepted as they stand there.
func TestTheDocumentsExamplesParse(t *testing.T) {
	pieces := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(readDoc(t), -1)
	if len(pieces) < 2 {
		t.Fatalf("only %d examples", len(pieces))
	}
	rest := map[string]string{
		"version": "version: 1\n", "name": "name: a\n", "servers": "servers: [a, b]\n", "vips": "vips: [{network: n}]\n",
	}
	for _, piece := range pieces {
		text := piece[1]
		for key, line := range rest {
			if !regexp.MustCompile("(?m)^" + key + ":").MatchString(text) {
				text += line
			}
		}
		if _, err := Parse([]byte(text), "group-file.md"); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
}

func TestTheFullExampleHasEveryKey(t *testing.T) {
	data, err := os.ReadFile("../../examples/bastion-full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range keys(reflect.TypeFor[document](), "") {
		key := path[strings.LastIndex(path, ".")+1:]
		if !regexp.MustCompile(`\b` + key + `:|\{` + key + `:`).Match(data) {
			t.Errorf("bastion-full.yaml does not show %s", path)
		}
	}
}
