package lockstep_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "lockstep"

// mayImport says which of our packages each part may import, outside of tests. A
// part is the first element of a path; the packages below it obey its rule.
var mayImport = map[string][]string{
	"cmd":         {"proxy", "sharding", "coordinator", "backend", "txlog", "protocol", "config", "localdb"},
	"proxy":       {"proxy", "sharding", "coordinator", "backend", "txlog", "protocol", "eventloop", "config"},
	"sharding":    {"config"},
	"coordinator": {"coordinator", "txlog", "protocol"},
	"backend":     {"txlog", "protocol", "eventloop"},
	"txlog":       {},
	"protocol":    {},
	"eventloop":   {},
	"config":      {},
	"localdb":     {},
	"integration": {"integration", "cmd", "proxy", "sharding", "coordinator", "backend", "txlog", "protocol", "eventloop", "config", "localdb"},
}

// testsMayImport is what tests of any part may import besides.
var testsMayImport = []string{"localdb", "integration"}

// foreign says which packages of others a part may import, where that is limited:
// by name, or with a leading "!" which not. Standard packages are allowed where nothing forbids them.
var foreign = map[string][]string{
	"sharding":    {"github.com/pingcap/tidb/pkg/parser", "!os", "!net", "!database/sql", "!syscall", "!log"},
	"coordinator": {"!net", "!database/sql", "!os"},
}

// longFiles may be longer than maxLines, each for a reason.
var longFiles = map[string]string{}

const maxLines = 500

// maxCoordinatorMethods keeps the interfaces that others implement for the coordinator small.
const maxCoordinatorMethods = 4

// vagueNames say nothing about what is inside.
var vagueNames = []string{"util", "utils", "common", "helper", "helpers", "manager", "managers", "misc", "base", "shared"}

// source is one Go file.
type source struct {
	path    string // from the module's root
	imports []string
	lines   int
	test    bool
	syntax  *ast.File
}

func (s source) folder() string { return path.Dir(s.path) }

func (s source) part() string {
	part, _, _ := strings.Cut(s.path, "/")
	return part
}

func TestImports(t *testing.T) { report(t, read(t), checkImports) }

func TestEveryPackageHasADoc(t *testing.T) { report(t, read(t), checkDocs) }

func TestFilesAreShort(t *testing.T) { report(t, read(t), checkLength) }

func TestNamesSaySomething(t *testing.T) { report(t, read(t), checkNames) }

func TestCoordinatorInterfacesAreSmall(t *testing.T) { report(t, read(t), checkInterfaces) }

func report(t *testing.T, files []source, check func([]source) []string) {
	t.Helper()
	for _, finding := range check(files) {
		t.Error(finding)
	}
}

// read parses all Go files of the module.
func read(t *testing.T) []source {
	t.Helper()
	var files []source
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(p) != ".go" {
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		s, err := parse(filepath.ToSlash(p), text)
		files = append(files, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 50 {
		t.Fatalf("only %d files found: the walk is broken", len(files))
	}
	return files
}

func parse(p string, text []byte) (source, error) {
	syntax, err := parser.ParseFile(token.NewFileSet(), p, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return source{}, err
	}
	s := source{path: p, lines: bytes.Count(text, []byte("\n")), test: strings.HasSuffix(p, "_test.go"), syntax: syntax}
	for _, i := range syntax.Imports {
		name, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return source{}, err
		}
		s.imports = append(s.imports, name)
	}
	return s, nil
}

func checkImports(files []source) (findings []string) {
	for _, f := range files {
		if f.folder() == "." {
			if !f.test && len(f.imports) > 0 {
				findings = append(findings, f.path+": the root holds no code")
			}
			continue
		}
		allowed, known := mayImport[f.part()]
		if !known {
			findings = append(findings, f.path+": a part that the layout does not know")
			continue
		}
		if f.test {
			allowed = slices.Concat(allowed, testsMayImport)
		}
		for _, name := range f.imports {
			ours, isOurs := strings.CutPrefix(name, module+"/")
			part, _, _ := strings.Cut(ours, "/")
			switch {
			case isOurs:
				// A test beside its package may import that one.
				if !slices.Contains(allowed, part) && !(f.test && ours == f.folder()) {
					findings = append(findings, fmt.Sprintf("%s imports %s: %s may import %s of ours", f.path, name, f.part(), orNothing(allowed)))
				}
				if part == "proxy" && f.part() == "proxy" && ours == "proxy" && f.folder() != "proxy" {
					findings = append(findings, fmt.Sprintf("%s imports proxy: packages below it do not know it", f.path))
				}
			case !f.test && !foreignAllowed(f.part(), name):
				findings = append(findings, fmt.Sprintf("%s imports %s: not in %s", f.path, name, f.part()))
			}
		}
	}
	return findings
}

func foreignAllowed(part, name string) bool {
	rules, limited := foreign[part]
	if !limited {
		return true
	}
	within := func(root string) bool { return name == root || strings.HasPrefix(name, root+"/") }
	modules := false
	for _, r := range rules {
		if not, ok := strings.CutPrefix(r, "!"); ok {
			if within(not) {
				return false
			}
			continue
		}
		modules = true
		if within(r) {
			return true
		}
	}
	first, _, _ := strings.Cut(name, "/")
	return !modules || !strings.Contains(first, ".")
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// checkDocs wants a doc.go with a package comment for each package that has more
// than tests.
func checkDocs(files []source) (findings []string) {
	documented := make(map[string]bool)
	for _, f := range files {
		if f.test {
			continue
		}
		documented[f.folder()] = documented[f.folder()] || path.Base(f.path) == "doc.go" && f.syntax.Doc != nil
	}
	for _, folder := range slices.Sorted(maps.Keys(documented)) {
		if !documented[folder] {
			findings = append(findings, folder+": no doc.go with a package comment")
		}
	}
	return findings
}

func checkLength(files []source) (findings []string) {
	for _, f := range files {
		reason, listed := longFiles[f.path]
		switch {
		case f.lines > maxLines && !listed:
			findings = append(findings, fmt.Sprintf("%s has %d lines, more than %d: split it by subject", f.path, f.lines, maxLines))
		case listed && (f.lines <= maxLines || reason == ""):
			findings = append(findings, fmt.Sprintf("%s is listed as long: it has %d lines, reason %q", f.path, f.lines, reason))
		}
	}
	return findings
}

func checkNames(files []source) (findings []string) {
	for _, f := range files {
		file := strings.TrimSuffix(strings.TrimSuffix(path.Base(f.path), ".go"), "_test")
		for _, name := range []string{f.syntax.Name.Name, path.Base(f.folder()), file} {
			if slices.Contains(vagueNames, strings.TrimSuffix(name, "_test")) {
				findings = append(findings, fmt.Sprintf("%s: the name %s does not say what is inside", f.path, name))
			}
		}
	}
	return findings
}

func checkInterfaces(files []source) (findings []string) {
	for _, f := range files {
		if f.part() != "coordinator" || f.test {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if i, ok := spec.Type.(*ast.InterfaceType); ok && i.Methods.NumFields() > maxCoordinatorMethods {
					findings = append(findings, fmt.Sprintf("%s: interface %s has %d methods, more than %d", f.path, spec.Name.Name, i.Methods.NumFields(), maxCoordinatorMethods))
				}
			}
			return true
		})
	}
	return findings
}

// TestRulesBite gives each rule something that breaks it, and something near that does not.
func TestRulesBite(t *testing.T) {
	const five = "type T interface { A(); B(); C(); D(); E() }"
	for _, c := range []struct {
		path, text string
		check      func([]source) []string
		finding    string // empty: none
	}{
		{"sharding/a.go", `import "lockstep/config"`, checkImports, ""},
		{"sharding/a.go", `import "lockstep/protocol"`, checkImports, "sharding may import config of ours"},
		{"sharding/a.go", `import "net/http"`, checkImports, "not in sharding"},
		{"sharding/a.go", `import "strings"`, checkImports, ""},
		{"sharding/a.go", `import "github.com/pingcap/tidb/pkg/parser/ast"`, checkImports, ""},
		{"sharding/a.go", `import "go.etcd.io/bbolt"`, checkImports, "not in sharding"},
		{"coordinator/a.go", `import "lockstep/backend"`, checkImports, "coordinator may import"},
		{"coordinator/a.go", `import "database/sql/driver"`, checkImports, "not in coordinator"},
		{"coordinator/a_test.go", `import "net"`, checkImports, ""},
		{"coordinator/a_test.go", `import "lockstep/backend"`, checkImports, "coordinator may import"},
		{"backend/a.go", `import "lockstep/coordinator"`, checkImports, "backend may import"},
		{"backend/a.go", `import "lockstep/localdb"`, checkImports, "backend may import"},
		{"backend/a_test.go", `import "lockstep/localdb"`, checkImports, ""},
		{"protocol/a_test.go", `import "lockstep/protocol"`, checkImports, ""},
		{"txlog/a.go", `import "lockstep/protocol"`, checkImports, "txlog may import nothing"},
		{"proxy/merge/a.go", `import "lockstep/proxy"`, checkImports, "do not know it"},
		{"proxy/a.go", `import "lockstep/proxy/merge"`, checkImports, ""},
		{"proxy/a.go", `import "lockstep/localdb"`, checkImports, "proxy may import"},
		{"cmd/lockstep/a.go", `import "lockstep/integration/cluster"`, checkImports, "cmd may import"},
		{"other/a.go", "", checkImports, "does not know"},
		{"a.go", `import "fmt"`, checkImports, "no code"},
		{"txlog/a.go", "", checkDocs, "txlog: no doc.go"},
		{"txlog/a_test.go", "", checkDocs, ""},
		{"txlog/doc.go", "", checkDocs, ""},
		{"txlog/a.go", strings.Repeat("\n", maxLines+1), checkLength, "split it"},
		{"txlog/a.go", strings.Repeat("\n", maxLines-10), checkLength, ""},
		{"proxy/util/a.go", "", checkNames, "the name util"},
		{"proxy/helpers_test.go", "", checkNames, "the name helpers"},
		{"proxy/session.go", "", checkNames, ""},
		{"coordinator/a.go", five, checkInterfaces, "interface T has 5 methods"},
		{"backend/a.go", five, checkInterfaces, ""},
	} {
		f, err := parse(c.path, []byte("// Package x is one.\npackage x\n"+c.text))
		if err != nil {
			t.Fatal(err)
		}
		findings := strings.Join(c.check([]source{f}), "\n")
		if c.finding == "" && findings != "" || !strings.Contains(findings, c.finding) {
			t.Errorf("%s with %.40q: found %q, want %q", c.path, c.text, findings, c.finding)
		}
	}
}
