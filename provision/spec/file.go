package spec

import "github.com/havip/havip/agent/strict"

// MaxFileSize is the size in bytes of the largest group file that is read.
const MaxFileSize = strict.MaxSize

// File is a group file that has been decoded, with what is wrong with it so
// far. Build reports it together with all the rest.
type File struct {
	content  document
	doc      *strict.Document
	problems strict.Problems
	readable bool // the syntax is right: missing keys are really missing
}

// Read decodes a group file; name is what problems call it.
func Read(data []byte, name string) *File {
	f := &File{content: defaults()}
	f.doc, f.problems = strict.Decode(data, name, &f.content)
	f.readable = f.doc.Has("") && !f.doc.Broken("")
	return f
}

// Has tells whether the file gives a field a value, such as "ssh.user".
func (f *File) Has(field string) bool { return f.doc.Has(field) }

// Parse is the group of a file without any flags. The error is a
// strict.Problems with all that is wrong.
func Parse(data []byte, name string) (Group, error) {
	return Build(Read(data, name), Flags{})
}
