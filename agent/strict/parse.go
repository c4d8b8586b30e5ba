package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v3"
)

// MaxSize is the size in bytes of the largest file that Decode takes. A group
// file has a few hundred; a reader may stop one byte past this.
const MaxSize = 1 << 20

// parse turns data into the node of its only document. A problem is reported,
// and nil returned: without a syntax tree there is nothing more to say.
func (d *decoder) parse(data []byte) *yaml.Node {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // the mark that some editors put first
	if len(data) > MaxSize {
		d.problem(place{}, "", fmt.Sprintf("the file has more than %d KiB", MaxSize>>10), "is it the right file?")
		return nil
	}
	if at, message := unprintable(data); message != "" {
		d.problem(at, "", message, "save the file as plain UTF-8 text")
		return nil
	}
	reader := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	err := reader.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF), err == nil && isNull(doc.Content[0]):
		d.problem(place{1, 1}, "", "the file is empty", "is it the right file?")
		return nil
	case err != nil:
		d.syntax(data, err)
		return nil
	}
	var second yaml.Node
	if err := reader.Decode(&second); err == nil {
		d.problem(place{second.Line, second.Column}, "", "a second document begins here", `keep one document in a file: take away the line "---"`)
		return nil
	} else if !errors.Is(err, io.EOF) {
		d.syntax(data, err)
		return nil
	}
	return doc.Content[0]
}

// unprintable finds the first thing that YAML text may not hold (YAML 1.2.2
// section 5.1).
func unprintable(data []byte) (place, string) {
	at := place{1, 1}
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size == 1:
			return at, "the file is not UTF-8 text"
		case r == '\n':
			at = place{at.line + 1, 0}
		case r < ' ' && r != '\t' && r != '\r', r >= 0x7f && r < 0xa0 && r != 0x85, r == 0xfffe, r == 0xffff:
			return at, fmt.Sprintf("control character %U", r)
		}
		at.column++
		data = data[size:]
	}
	return place{}, ""
}

var (
	syntaxError   = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntax reports what the YAML parser stumbled over.
func (d *decoder) syntax(data []byte, err error) {
	line, message := 1, err.Error()
	if m := syntaxError.FindStringSubmatch(message); m != nil {
		message = m[2]
		if m[1] != "" {
			line, _ = strconv.Atoi(m[1])
		}
	}
	lines := strings.Split(string(bytes.TrimRight(data, "\r\n")), "\n")
	if strings.HasPrefix(message, "did not find expected") {
		line = firstBad(lines, line)
	}
	line = min(line, len(lines))
	if m := unknownAnchor.FindStringSubmatch(message); m != nil {
		// The parser gives no line for this one.
		for i, text := range lines {
			if _, comes, found := strings.Cut(text, "*"+m[1]); found && !strings.ContainsAny(comes, "#") {
				line = i + 1
				break
			}
		}
	}
	text := lines[line-1]
	indent := len(text) - len(strings.TrimLeft(text, " \t"))
	hint := "correct the YAML here, or a little above"
	switch tab := strings.IndexByte(text[:indent], '\t'); {
	case tab >= 0:
		indent, hint = tab, "indent with spaces: YAML allows no tabs there"
	case strings.HasPrefix(message, "mapping values are not allowed"):
		hint = `look at the indentation; a value that holds ": " needs quotes`
	}
	d.problem(place{line, indent + 1}, "", message, hint)
}

// firstBad is the number of the line at which the syntax breaks. The parser
// counts from 0 here, and names the line where the surrounding list or mapping
// begins rather than the bad one: so look for the shortest piece of the file
// that does not parse either.
func firstBad(lines []string, named int) int {
	n := sort.Search(len(lines)-named, func(i int) bool {
		var node yaml.Node
		return yaml.Unmarshal([]byte(strings.Join(lines[:named+i], "\n")), &node) != nil
	})
	return named + n
}
