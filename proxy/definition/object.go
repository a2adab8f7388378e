package definition

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is what sort of thing is defined. Tables, views and sequences share their names, so they are of one kind.
type Kind string

// The kinds.
const (
	Table     Kind = "table"
	Database  Kind = "database"
	Procedure Kind = "procedure"
	Function  Kind = "function"
	Trigger   Kind = "trigger"
	Event     Kind = "event"
	Package   Kind = "package"
)

// Object is a thing that is defined, by its logical name.
type Object struct {
	Kind     Kind   `json:"kind"`
	Database string `json:"database"`
	Name     string `json:"name,omitempty"` // empty: the database itself
}

func (o Object) String() string {
	if o.Name == "" {
		return fmt.Sprintf("%s %s", o.Kind, o.Database)
	}
	return fmt.Sprintf("%s %s.%s", o.Kind, o.Database, o.Name)
}

func compareObjects(a, b Object) int {
	return strings.Compare(a.Database+"\x00"+string(a.Kind)+"\x00"+a.Name, b.Database+"\x00"+string(b.Kind)+"\x00"+b.Name)
}

// touches says whether a change of one may matter to the other.
func (o Object) touches(p Object) bool {
	return o == p || o.Database == p.Database && (o.Kind == Database || p.Kind == Database)
}

// Touches is a condition: whether a change of o may matter to another object.
func (o Object) Touches() func(Object) bool { return o.touches }

// Databases are the databases of objects, sorted, each once.
func Databases(objects []Object) []string {
	var list []string
	for _, o := range objects {
		list = append(list, o.Database)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Names maps the names of databases: clients know them by logical names, a shard may have them under others.
type Names struct {
	Physical func(shard, logical string) string // nil: the same
	Logical  func(shard, physical string) string
}

func (n Names) physical(shard, logical string) string {
	if n.Physical == nil {
		return logical
	}
	return n.Physical(shard, logical)
}

// logical is "" for a database that clients do not see.
func (n Names) logical(shard, physical string) string {
	if n.Logical == nil {
		return physical
	}
	return n.Logical(shard, physical)
}
