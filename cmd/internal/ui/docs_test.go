package ui

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/openstack"
	"github.com/havip/havip/provision/plan"
)

const jsonDoc = "../../../docs/json.md"

func readDoc(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(jsonDoc)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// sections are the titles under which docs/json.md describes the objects.
func sections() map[reflect.Type]string {
	return map[reflect.Type]string{
		reflect.TypeFor[createObject]():       "create",
		reflect.TypeFor[planObject]():         "plan",
		reflect.TypeFor[statusObject]():       "status",
		reflect.TypeFor[statusAllObject]():    "status-all",
		reflect.TypeFor[listObject]():         "list",
		reflect.TypeFor[switchoverObject]():   "switchover",
		reflect.TypeFor[deleteObject]():       "delete",
		reflect.TypeFor[failoverObject]():     "failover-test",
		reflect.TypeFor[restoreObject]():      "failover-restore",
		reflect.TypeFor[limitsObject]():       "limits",
		reflect.TypeFor[roundObject]():        "round",
		reflect.TypeFor[pathObject]():         "path",
		reflect.TypeFor[layerObject]():        "layer",
		reflect.TypeFor[knownHostsObject]():   "known-hosts",
		reflect.TypeFor[versionObject]():      "version",
		reflect.TypeFor[errorObject]():        "error",
		reflect.TypeFor[vipObject]():          "VIP",
		reflect.TypeFor[memberObject]():       "member",
		reflect.TypeFor[api.Status]():         "agent",
		reflect.TypeFor[api.Router]():         "router",
		reflect.TypeFor[api.Peer]():           "peer",
		reflect.TypeFor[api.Problem]():        "problem",
		reflect.TypeFor[api.Check]():          "check",
		reflect.TypeFor[reachObject]():        "reachable",
		reflect.TypeFor[groupObject]():        "listed group",
		reflect.TypeFor[openstack.Identity](): "cloud",
		reflect.TypeFor[plan.Action]():        "action",
		reflect.TypeFor[plan.Change]():        "change",
		reflect.TypeFor[plan.Left]():          "left",
		reflect.TypeFor[plan.Deviation]():     "deviation",
		reflect.TypeFor[Finding]():            "finding",
	}
}

func TestEveryFieldOfEveryObjectIsDocumented(t *testing.T) {
	types := map[reflect.Type][]string{}
	for _, v := range views() {
		collect(reflect.TypeOf(v.Object()), types)
	}
	delete(types, reflect.TypeFor[Header]()) // stands above all sections
	doc := readDoc(t)
	for typ, want := range types {
		title, ok := sections()[typ]
		if !ok {
			t.Errorf("%v has no section", typ)
			continue
		}
		if diff := cmp.Diff(want, documented(doc, title)); diff != "" {
			t.Errorf("section %q, type %v (-type +documented):\n%s", title, typ, diff)
		}
	}
	for typ, title := range sections() {
		if _, ok := types[typ]; !ok {
			t.Errorf("section %q describes %v, which no view has", title, typ)
		}
	}
}

// optional marks the name of a field that may be left out.
const optional = " (optional)"

// collect finds the structs that a type is made of, with the JSON names of
// their fields; a type with a text of its own is no struct to JSON.
func collect(typ reflect.Type, into map[reflect.Type][]string) {
	switch typ.Kind() {
	case reflect.Pointer, reflect.Slice:
		collect(typ.Elem(), into)
		return
	case reflect.Struct:
	default:
		return
	}
	if _, isText := typ.MethodByName("MarshalText"); isText || into[typ] != nil {
		return
	}
	names := []string{}
	for _, f := range reflect.VisibleFields(typ) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if len(f.Index) > 1 || name == "" || name == "-" {
			continue
		}
		if strings.HasPrefix(options, "omit") {
			name += optional
		}
		names = append(names, name)
		collect(f.Type, into)
	}
	into[typ] = names
}

// documented are the fields in the table of a section.
func documented(doc, title string) []string {
	_, section, ok := regexpCut(doc, `(?m)^##+ `+regexp.QuoteMeta(title)+`$`)
	if !ok {
		return nil
	}
	section, _, _ = regexpCut(section, `(?m)^##+ `)
	var names []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)` \\| [^|]*?(, \\*optional\\*)? \\|").FindAllStringSubmatch(section, -1) {
		name := m[1]
		if m[2] != "" {
			name += optional
		}
		names = append(names, name)
	}
	return names
}

func regexpCut(s, at string) (before, after string, ok bool) {
	i := regexp.MustCompile(at).FindStringIndex(s)
	if i == nil {
		return s, "", false
	}
	return s[:i[0]], s[i[1]:], true
}

func TestTheExamplesAreTheGoldenFiles(t *testing.T) {
	doc := readDoc(t)
	example := regexp.MustCompile("(?s)(<!-- example: ([a-z-]+) -->\n```json\n)(.*?)(```\n)")
	shown := map[string]bool{}
	want := example.ReplaceAllStringFunc(doc, func(block string) string {
		m := example.FindStringSubmatch(block)
		golden, err := os.ReadFile(filepath.Join("testdata", m[2]+".json"))
		if err != nil {
			t.Fatal(err)
		}
		shown[reflect.TypeOf(views()[m[2]].Object()).String()] = true
		return m[1] + string(golden) + m[4]
	})
	checkGolden(t, jsonDoc, []byte(want))
	for _, v := range views() {
		if typ := reflect.TypeOf(v.Object()).String(); !shown[typ] {
			t.Errorf("%s has no example", typ)
		}
	}
}
