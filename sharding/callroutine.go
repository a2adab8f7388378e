package sharding

import (
	"fmt"
	"strings"
)

// Routine is a stored procedure or function, as the catalog of a shard tells it.
type Routine struct {
	Database, Name string
	Function       bool
	Body           string // empty where it may not be seen
}

// AddRoutines tells a new schema which routines there are. Where shards differ, the first one told counts.
func (s *Schema) AddRoutines(list []Routine) {
	s.routines = make(map[tableName][]*Routine, len(list))
	for i := range list {
		r := &list[i]
		name := tableName{r.Database, strings.ToLower(r.Name)}
		s.routines[name] = append(s.routines[name], r)
	}
}

// call compiles CALL. A procedure runs on one shard and sees only what that one has, so its body has to be content
// with that: the shard is one that has all tables that the body can name.
func (c *compiler) call() error {
	st := c.st
	st.Kind, st.Opaque = KindCall, true
	c.findSlots(1, len(c.toks))
	n, _, ok := c.qualified(1)
	if !ok {
		return syntaxError(c.src, c.startOf(1))
	}
	if c.hint != "" {
		return c.applyHint()
	}
	shards, why := c.firstShard(), "a procedure runs on the first shard that has what it names"
	if len(c.schema.shards) > 1 && !isSystemDatabase(n.database) {
		if n.database == "" {
			return errorf(codeNoDatabase, "No database selected")
		}
		r := c.schema.routine(n.database, n.name, false)
		if r == nil {
			return errorf(codeNoRoutine, "PROCEDURE %s.%s does not exist", n.database, n.name)
		}
		reader := &routineReader{schema: c.schema, shards: c.schema.allSet, seen: make(map[*Routine]bool)}
		if reason := reader.read(r); reason != "" {
			return refuse("procedure %s %s; the hint /*+ shard(name) */ runs it on one shard", r.Name, reason)
		}
		shards = shardSet{}
		shards.add(reader.shards.first())
	}
	st.planner = &fixedPlanner{shards: shards, write: true, why: why}
	return nil
}

func (s *Schema) routine(database, name string, function bool) *Routine {
	for _, r := range s.routines[tableName{database, strings.ToLower(name)}] {
		if r.Function == function {
			return r
		}
	}
	return nil
}

// routineReader finds what a routine, and those that it calls, may do.
type routineReader struct {
	schema *Schema
	shards shardSet // that have everything
	copies string   // a table with copies on all shards
	writes string   // a word that changes something
	seen   map[*Routine]bool
}

// read says why a routine cannot run on one shard; "" when it can.
func (x *routineReader) read(r *Routine) string {
	if x.seen[r] {
		return ""
	}
	x.seen[r] = true
	if r.Body == "" {
		return "has a body that the user of the shards may not see, so which tables it uses is not known"
	}
	c, err := x.schema.viewCompiler(r.Database, r.Body)
	if err != nil {
		return "has a body that is not read here"
	}
	for _, t := range c.mentioned(0) {
		switch {
		case t.Rule.Kind == Sharded, t.problem != "":
			return fmt.Sprintf("names the table %s, of which each shard has a part only", t.Name)
		case t.Rule.Kind == Global && x.copies == "":
			x.copies = t.Name
		}
		if x.shards = x.shards.and(t.shards()); x.shards.empty() {
			return "names tables of different shards: " + t.Name + " is not where the others are"
		}
	}
	for i := range c.toks {
		if reason := x.word(c, r, i); reason != "" {
			return reason
		}
	}
	if x.copies != "" && x.writes != "" {
		return fmt.Sprintf("names the table %s and has the word %s: it could change one of the copies on all shards", x.copies, x.writes)
	}
	return ""
}

// word looks at one token of a body.
func (x *routineReader) word(c *compiler, r *Routine, i int) string {
	called := c.punct(i+1, '(')
	switch w := c.word(i); {
	case c.toks[i].afterDot:
	case w == "PREPARE", w == "EXECUTE":
		return "makes statements while it runs, so which tables it uses is not known"
	case (w == "CREATE" || w == "DROP") && c.word(i+1) != "TEMPORARY" && !(w == "CREATE" && c.words(i+1, "OR", "REPLACE", "TEMPORARY")), w == "ALTER", w == "RENAME":
		return "has the word " + w + ": a definition would be changed on one shard only"
	case w == "INSERT" && !called, w == "REPLACE" && !called, w == "TRUNCATE" && !called, w == "UPDATE", w == "DELETE", w == "LOAD":
		x.writes = w
	case w == "CALL":
		return x.called(c, i+1, false)
	}
	if called || c.punct(i+1, '.') && c.punct(i+3, '(') {
		return x.called(c, i, true)
	}
	return ""
}

// called reads the routine whose name stands at token i, if there is one.
func (x *routineReader) called(c *compiler, i int, function bool) string {
	n, _, ok := c.qualified(i)
	if !ok {
		return ""
	}
	r := x.schema.routine(n.database, n.name, function)
	switch {
	case r != nil:
		return x.read(r)
	case !function && !isSystemDatabase(n.database):
		return "calls the procedure " + n.name + ", which is not known"
	}
	return ""
}
