package strict_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/havip/havip/agent/api"
	"github.com/havip/havip/agent/strict"
)

type house struct {
	Name    string         `yaml:"name"`
	Number  int            `yaml:"number"`
	Garden  bool           `yaml:"garden"`
	Door    *door          `yaml:"door"`
	Rooms   []room         `yaml:"rooms"`
	Address netip.Addr     `yaml:"address"`
	Nets    []netip.Prefix `yaml:"nets"`
	Wait    api.Duration   `yaml:"wait"`
	Colour  colour         `yaml:"colour"`
}

type door struct {
	Key  string `yaml:"key"`
	Lock string `yaml:"lock"`
}

type colour string

func (c *colour) UnmarshalText(b []byte) error {
	if string(b) == "invisible" {
		return fmt.Errorf("want a colour that can be seen, got %q", b)
	}
	*c = colour(b)
	return nil
}

// room is written as its name or as a mapping.
type room struct {
	Name  string `yaml:"name"`
	Floor int    `yaml:"floor"`
}

func (r *room) UnmarshalNode(n strict.Node) {
	if n.IsScalar() {
		n.Decode(&r.Name)
		return
	}
	type plain room
	n.Decode((*plain)(r))
	if !n.Has("name") {
		n.Refuse("a room needs a name, got "+n.String(), "")
	}
}

var compare = cmp.Options{cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}), cmpopts.EquateEmpty()}

func TestDecode(t *testing.T) {
	full := house{
		Name: "mill", Number: 12, Garden: true, Door: &door{Key: "brass", Lock: "old"},
		Rooms:   []room{{Name: "hall"}, {Name: "attic", Floor: 2}},
		Address: netip.MustParseAddr("10.0.0.1"), Nets: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")},
		Wait: api.Duration(1500 * time.Millisecond), Colour: "red",
	}
	const text = `name: mill
number: 12
garden: true
door:
  key: brass
  lock: old
rooms:
- hall
- {name: attic, floor: 2}
address: 10.0.0.1
nets: [10.0.0.0/24]
wait: 1.5s
colour: red
`
	for name, c := range map[string]struct {
		text string
		want house
	}{
		"every kind of value is decoded":           {text, full},
		"a byte order mark is passed over":         {"\ufeff" + text, full},
		"lines may end with CR LF":                 {strings.ReplaceAll(text, "\n", "\r\n"), full},
		"a document may begin with ---":            {"---\n" + text, full},
		"an ID that looks like a number is text":   {"name: 5e10", house{Name: "5e10"}},
		"JSON is YAML":                             {`{"name": "mill", "rooms": ["hall"]}`, house{Name: "mill", Rooms: []room{{Name: "hall"}}}},
		"an alias stands for its anchor":           {"name: &n mill\nrooms: [*n]", house{Name: "mill", Rooms: []room{{Name: "mill"}}}},
		"a merged mapping yields to explicit keys": {"rooms:\n- &a {name: hall, floor: 1}\n- {<<: *a, name: attic}", house{Rooms: []room{{"hall", 1}, {"attic", 1}}}},
		"the first of several merged ones counts":  {"rooms:\n- &a {name: hall, floor: 1}\n- &b {name: den, floor: 2}\n- <<: [*a, *b]", house{Rooms: []room{{"hall", 1}, {"den", 2}, {"hall", 1}}}},
		"tabs may separate and stand in values":    {"name: \"a\tb\"\t# why\n", house{Name: "a\tb"}},
		"minus is a number's":                      {"number: -3", house{Number: -3}},
		"an empty list is a list":                  {"rooms: []", house{}},
	} {
		t.Run(name, func(t *testing.T) {
			var got house
			_, problems := strict.Decode([]byte(c.text), "house.yaml", &got)
			if problems.Err() != nil {
				t.Fatalf("problems:\n%v", problems)
			}
			if diff := cmp.Diff(c.want, got, compare); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestDecodeReports(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"an empty file":                   {"", "h:1:1: the file is empty\n  hint: is it the right file?"},
		"a file of comments":              {"# nothing\n\n", "h:1:1: the file is empty\n  hint: is it the right file?"},
		"a lone document mark":            {"---\n", "h:1:1: the file is empty\n  hint: is it the right file?"},
		"an explicit null":                {"~", "h:1:1: the file is empty\n  hint: is it the right file?"},
		"a list at the top":               {"- name", "h:1:1: want a mapping (key: value), got a list"},
		"a word at the top":               {"\n  mill", `h:2:3: want a mapping (key: value), got "mill"`},
		"an unknown key":                  {"name: a\nnumbr: 3", "h:2:1: numbr: unknown key\n  hint: did you mean number?"},
		"an unknown key in capitals":      {"Name: a", "h:1:1: Name: unknown key\n  hint: did you mean name?"},
		"an unknown key like no other":    {"door: {\n  handle: 1}", "h:2:3: door.handle: unknown key\n  hint: the keys here are key, lock"},
		"an unknown key below a list":     {"rooms:\n- hall\n- name: den\n  flor: 1", "h:4:3: rooms[1].flor: unknown key\n  hint: did you mean floor?"},
		"a repeated key":                  {"name: a\nnumber: 1\nname: b", "h:3:1: name: stands twice, first in line 1\n  hint: keep one of them"},
		"a key that is a list":            {"[a, b]: c", "h:1:1: want a plain key, got a list"},
		"a key without a value":           {"name:\nnumber: 1", "h:1:6: name: has no value\n  hint: give it one or take the key away"},
		"a list item without a value":     {"rooms:\n- hall\n-\n", "h:3:2: rooms[1]: has no value\n  hint: give it one or take the key away"},
		"text where a number is due":      {"number: abc", `h:1:9: number: want a whole number, got "abc"`},
		"a fraction":                      {"number: 1.5", `h:1:9: number: want a whole number, got "1.5"`},
		"a number in quotes":              {`number: "12"`, "h:1:9: number: want a whole number, got \"12\"\n  hint: take the quotes away"},
		"a number that may be octal":      {"number: 010", "h:1:9: number: want a whole number, got \"010\"\n  hint: write it without the leading zero"},
		"a number out of range":           {"number: 99999999999999999999", `h:1:9: number: want a whole number, got "99999999999999999999"`},
		"a list where a number is due":    {"number: [1]", "h:1:9: number: want a whole number, got a list"},
		"yes where true is due":           {"garden: yes", `h:1:9: garden: want true or false, got "yes"`},
		"a false tag":                     {"garden: !!bool maybe", `h:1:9: garden: want true or false, got "maybe"`},
		"a tag of somebody's own":         {"name: !secret x", "h:1:7: name: has the tag !secret, which means nothing here\n  hint: take the tag away"},
		"a mapping where text is due":     {"name: {a: b}", "h:1:7: name: want text, got a mapping"},
		"a word where a list is due":      {"nets: 10.0.0.0/8", "h:1:7: nets: want a list, got \"10.0.0.0/8\"\n  hint: write [10.0.0.0/8]"},
		"a mapping where a list is due":   {"nets: {a: b}", "h:1:7: nets: want a list, got a mapping"},
		"a word where a mapping is due":   {"door: open", `h:1:7: door: want a mapping (key: value), got "open"`},
		"a bad address":                   {"address: 10.0.0.256", `h:1:10: address: want an IP address such as 10.0.0.136, got "10.0.0.256"`},
		"an empty address":                {`address: ""`, `h:1:10: address: want an IP address such as 10.0.0.136, got ""`},
		"an address without its length":   {"nets: [10.0.0.1]", `h:1:8: nets[0]: want an address with a prefix length such as 10.0.0.136/32, got "10.0.0.1"`},
		"a duration without unit":         {"wait: 300", `h:1:7: wait: want a duration such as 300ms or 1s, got "300"`},
		"a list where a duration is due":  {"wait: [1s]", "h:1:7: wait: want a duration such as 300ms or 1s, got a list"},
		"a type's own complaint":          {"colour: invisible", `h:1:9: colour: want a colour that can be seen, got "invisible"`},
		"a union's own complaint":         {"rooms: [{floor: 1}]", "h:1:9: rooms[0]: a room needs a name, got a mapping"},
		"a list where a union is due":     {"rooms: [{name: [a]}]", "h:1:16: rooms[0].name: want text, got a list"},
		"an alias, where it stands":       {"rooms: [{name: &x a}]\nnumber: *x", `h:2:9: number: want a whole number, got "a"`},
		"a mapping merged into itself":    {"door: &d {<<: *d}", "h:1:15: door: merges a mapping into itself"},
		"a word merged":                   {"door: {<<: x}", `h:1:12: door: << wants an alias of a mapping, got "x"`},
		"two documents":                   {"name: a\n---\nname: b", "h:2:1: a second document begins here\n  hint: keep one document in a file: take away the line \"---\""},
		"a tab for indentation":           {"door:\n\tkey: brass", "h:2:1: found character that cannot start any token\n  hint: indent with spaces: YAML allows no tabs there"},
		"a value with a colon":            {"number: 1\nname: a: b", "h:2:1: mapping values are not allowed in this context\n  hint: look at the indentation; a value that holds \": \" needs quotes"},
		"a stray bracket":                 {"name: a\n]\n", "h:2:1: did not find expected key\n  hint: correct the YAML here, or a little above"},
		"wrong indentation far below":     {"name: a\nrooms:\n    - hall\n    - den\n    - attic\n  - cellar\n", "h:6:3: did not find expected key\n  hint: correct the YAML here, or a little above"},
		"an unclosed list":                {"name: a\nrooms: [hall,\nnumber: 3\n", "h:2:1: did not find expected ',' or ']'\n  hint: correct the YAML here, or a little above"},
		"an unclosed quotation":           {"name: a\ncolour: \"red\n", "h:2:1: found unexpected end of stream\n  hint: correct the YAML here, or a little above"},
		"an unknown anchor":               {"number: 1\nname: *nobody", "h:2:1: unknown anchor 'nobody' referenced\n  hint: correct the YAML here, or a little above"},
		"bytes that are no text":          {"name: a\nname: \xff\xfe", "h:2:7: the file is not UTF-8 text\n  hint: save the file as plain UTF-8 text"},
		"UTF-16":                          {"\xff\xfen\x00", "h:1:1: the file is not UTF-8 text\n  hint: save the file as plain UTF-8 text"},
		"a control character":             {"name: \"é\x00\"", "h:1:9: control character U+0000\n  hint: save the file as plain UTF-8 text"},
		"a long value":                    {"name: " + strings.Repeat("x", 5000), "h:1:7: name: is longer than 4096 bytes"},
		"a long wrong value, cut":         {"number: " + strings.Repeat("x", 100), `h:1:9: number: want a whole number, got "` + strings.Repeat("x", 60) + `..."`},
		"a file that is far too long":     {strings.Repeat("# comment\n", 200_000), "h: the file has more than 1024 KiB\n  hint: is it the right file?"},
		"everything in order of the file": {"number: a\nnam: b\ngarden: c\n", "h:1:9: number: want a whole number, got \"a\"\nh:2:1: nam: unknown key\n  hint: did you mean name?\nh:3:9: garden: want true or false, got \"c\""},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := strict.Decode([]byte(c.text), "h", new(house))
			if diff := cmp.Diff(c.want, problems.Error()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Anchors that multiply must not cost more than the budget, nor report more.
func TestDecodeStopsWhenAliasesMultiply(t *testing.T) {
	var b strings.Builder
	b.WriteString("door:\n  key: x\n")
	b.WriteString("a0: &a0 {x0: 1}\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&b, "a%d: &a%d {<<: [%s]}\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
	}
	b.WriteString("<<: *a11\n")
	_, problems := strict.Decode([]byte(b.String()), "h", new(house))
	if !strings.Contains(problems.Error(), "the file has more than 100000 values") {
		t.Errorf("a hundred thousand million merged mappings were not refused:\n%v", problems)
	}

	list := "name: &n x\nrooms: [" + strings.TrimSuffix(strings.Repeat("*n,", 150_000), ",") + "]"
	_, problems = strict.Decode([]byte(list), "h", new(house))
	if want := "h:2:8: rooms"; !strings.Contains(problems.Error(), "the file has more than 100000 values") || len(problems) != 1 {
		t.Errorf("want one problem near %s, got:\n%.500v", want, problems)
	}
}

func TestDocumentKnowsPlaces(t *testing.T) {
	const text = "name: mill\ndoor:\n  key: brass\nrooms:\n- hall\n- {name: attic, floor: x}\n"
	doc, _ := strict.Decode([]byte(text), "h", new(house))
	for _, c := range []struct {
		field        string
		line, column int
		has, broken  bool
	}{
		{"", 1, 1, true, false},
		{"name", 1, 7, true, false},
		{"door.key", 3, 8, true, false},
		{"door.lock", 3, 3, false, false}, // its parent
		{"rooms[1].name", 6, 10, true, false},
		{"rooms[1].floor", 6, 24, true, true},
		{"rooms[1].floor.deep", 6, 24, false, true},
		{"rooms[7].name", 5, 1, false, false},
		{"number", 1, 1, false, false},
	} {
		line, column := doc.At(c.field)
		if line != c.line || column != c.column {
			t.Errorf("At(%q) = %d:%d, want %d:%d", c.field, line, column, c.line, c.column)
		}
		if got := doc.Has(c.field); got != c.has {
			t.Errorf("Has(%q) = %t, want %t", c.field, got, c.has)
		}
		if got := doc.Broken(c.field); got != c.broken {
			t.Errorf("Broken(%q) = %t, want %t", c.field, got, c.broken)
		}
	}
}

func TestDocumentReportAddsPlacesAndPassesBrokenFieldsOver(t *testing.T) {
	doc, problems := strict.Decode([]byte("rooms:\n- {name: attic, floor: x}\n"), "h", new(house))
	report := doc.Report(&problems).Under("rooms[0]")
	report("floor", "want a floor above ground", "")
	report("name", "attic is taken", "choose another")
	report("", "is too small", "")
	problems.Sort()
	want := `h:2:3: rooms[0]: is too small
h:2:10: rooms[0].name: attic is taken
  hint: choose another
h:2:24: rooms[0].floor: want a whole number, got "x"`
	if diff := cmp.Diff(want, problems.Error()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestProblemsWithoutAPlaceComeLast(t *testing.T) {
	var problems strict.Problems
	if problems.Err() != nil {
		t.Error("no problems are an error")
	}
	problems.Add("--interval", "want a duration", "say 1s")
	problems = append(problems, strict.Problem{File: "h", Line: 2, Column: 1, Message: "b"}, strict.Problem{File: "h", Line: 1, Column: 9, Message: "a"})
	problems.Sort()
	want := "h:1:9: a\nh:2:1: b\n--interval: want a duration\n  hint: say 1s"
	if diff := cmp.Diff(want, problems.Err().Error()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
