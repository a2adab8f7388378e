package definition

import (
	"fmt"
	"slices"
	"strings"

	"lockstep/backend"
)

// Step is a piece of repair on one shard.
type Step struct {
	Object  string   `json:"object"`
	Shard   string   `json:"shard"`
	SQL     []string `json:"sql,omitempty"`
	Refused string   `json:"refused,omitempty"` // why it is not done
	Record  string   `json:"record,omitempty"`  // of the statement that it belongs to
	Result  string   `json:"result,omitempty"`  // after it was tried

	session *backend.State
	empty   *Object // a table that must have no rows
	forget  bool    // the record goes
	back    bool    // it undoes a statement
}

func refused(o Object, shard, format string, args ...any) Step {
	return Step{Object: o.String(), Shard: shard, Refused: fmt.Sprintf(format, args...)}
}

// change is what makes a shard's definition another one, without touching rows. from or to may be absent.
func change(o Object, from, to Definition, n Names, shard string) Step {
	database := n.physical(shard, o.Database)
	s := Step{Object: o.String(), Shard: shard, session: &backend.State{Database: database}}
	if o.Kind == Database {
		s.session.Database = ""
	}
	name := identifier(database) + "." + identifier(o.Name)
	if o.Kind == Database {
		name = identifier(database)
	}
	text := to.SQL
	if database != o.Database {
		text = strings.ReplaceAll(text, identifier(o.Database)+".", identifier(database)+".")
		if o.Kind == Database {
			text = strings.Replace(text, identifier(o.Database), identifier(database), 1)
		}
	}
	if o.Kind != Table && o.Kind != Database {
		s.session.Vars = []backend.Variable{{Name: "sql_mode", Value: literal(to.SQLMode)}}
	}
	switch {
	case from == to:
		return Step{}
	case o.Kind == Table && !from.View && !to.View:
		return changeTable(s, o, from, to, name, text)
	case o.Kind == Database && !from.There():
		s.SQL = []string{text}
	case o.Kind == Database && !to.There():
		return refused(o, shard, "a database is not dropped: it may hold what only this shard has")
	case o.Kind == Database:
		s.SQL = []string{"ALTER DATABASE " + name + strings.TrimPrefix(text, "CREATE DATABASE "+name)}
	case o.Kind == Table && (from.There() && !from.View || to.There() && !to.View):
		return refused(o, shard, "it is a table on one side and a view on the other")
	case !to.There():
		s.SQL = []string{"DROP " + word(o, from) + " " + name}
	case from.There() && to.View:
		s.SQL = []string{strings.Replace(text, "CREATE ", "CREATE OR REPLACE ", 1)}
	case from.There():
		s.SQL = []string{"DROP " + word(o, from) + " " + name, text}
	default:
		s.SQL = []string{text}
	}
	return s
}

func word(o Object, d Definition) string {
	if d.View {
		return "VIEW"
	}
	return strings.ToUpper(string(o.Kind))
}

func changeTable(s Step, o Object, from, to Definition, name, text string) Step {
	switch {
	case !to.There():
		s.SQL, s.empty = []string{"DROP TABLE " + name}, &o
		return s
	case !from.There():
		s.SQL = []string{text}
		return s
	}
	parts, reason := indexChanges(lines(from.SQL), lines(to.SQL))
	if reason != "" {
		return refused(o, s.Shard, "%s; change it by hand, with /*+ shard(%s) */ in front of the statement", reason, s.Shard)
	}
	s.SQL = []string{"ALTER TABLE " + name + " " + strings.Join(parts, ", ")}
	return s
}

// indexChanges is the parts of an ALTER TABLE that turns one definition into another, where they differ in indexes,
// constraints and the comment only: nothing else can be changed without touching rows.
func indexChanges(from, to []string) (parts []string, reason string) {
	var columnsFrom, columnsTo []string
	var drop, add []string
	for _, l := range from {
		if word, ok := droppedIndex(l); !ok {
			columnsFrom = append(columnsFrom, l)
		} else if !slices.Contains(to, l) {
			drop = append(drop, word)
		}
	}
	for _, l := range to {
		if _, ok := droppedIndex(l); !ok {
			columnsTo = append(columnsTo, l)
		} else if !slices.Contains(from, l) {
			add = append(add, "ADD "+l)
		}
	}
	a, b := len(columnsFrom)-1, len(columnsTo)-1
	optionsFrom, commentFrom := cutComment(columnsFrom[a])
	optionsTo, commentTo := cutComment(columnsTo[b])
	switch {
	case !slices.Equal(columnsFrom[:a], columnsTo[:b]):
		return nil, "its columns or its primary key differ, and to change those could change or lose values"
	case optionsFrom != optionsTo:
		return nil, "its options differ (" + optionsFrom + " and " + optionsTo + ")"
	}
	parts = append(drop, add...)
	if commentFrom != commentTo {
		parts = append(parts, "COMMENT="+commentTo)
	}
	if len(parts) == 0 {
		return nil, "its indexes stand in another order"
	}
	return parts, ""
}

// droppedIndex is the part of ALTER TABLE that drops what a line of CREATE TABLE makes; ok is false for columns, the
// primary key and the rest.
func droppedIndex(line string) (part string, ok bool) {
	for _, kind := range []string{"UNIQUE KEY ", "FULLTEXT KEY ", "SPATIAL KEY ", "KEY "} {
		if rest, found := strings.CutPrefix(line, kind); found {
			return "DROP INDEX " + quotedName(rest), true
		}
	}
	if rest, found := strings.CutPrefix(line, "CONSTRAINT "); found {
		name := quotedName(rest)
		if strings.Contains(rest[len(name):], " FOREIGN KEY ") {
			return "DROP FOREIGN KEY " + name, true
		}
		return "DROP CONSTRAINT " + name, true
	}
	return "", false
}

// quotedName is the quoted name that a text begins with.
func quotedName(text string) string {
	for i := 1; i < len(text); i++ {
		if text[i] == '`' {
			if i+1 < len(text) && text[i+1] == '`' {
				i++
				continue
			}
			return text[:i+1]
		}
	}
	return text
}

// cutComment takes the comment off a table's options; it is a literal, ” without.
func cutComment(options string) (rest, comment string) {
	i := strings.Index(options, " COMMENT='")
	if i < 0 {
		return options, "''"
	}
	start := i + len(" COMMENT=")
	for j := start + 1; j < len(options); j++ {
		switch {
		case options[j] == '\\':
			j++
		case options[j] == '\'' && j+1 < len(options) && options[j+1] == '\'':
			j++
		case options[j] == '\'':
			return options[:i] + options[j+1:], options[start : j+1]
		}
	}
	return options, "''"
}
