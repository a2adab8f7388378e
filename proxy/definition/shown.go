package definition

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"lockstep/backend"
	"lockstep/protocol"
)

// Definition is how a shard defines an object. The zero value: the shard does not have it.
type Definition struct {
	SQL     string `json:"sql,omitempty"`      // CREATE … as the server shows it, normalised
	SQLMode string `json:"sql_mode,omitempty"` // of routines, triggers and events
	View    bool   `json:"view,omitempty"`
}

// There says whether the shard has the object.
func (d Definition) There() bool { return d.SQL != "" }

// MySQL error numbers of what is not there.
const (
	erBadDB       = 1049
	erNoTable     = 1146
	erNoRoutine   = 1305
	erViewInvalid = 1356
	erNoTrigger   = 1360
	erNoEvent     = 1539
	erDenied      = 1044
	erTableDenied = 1142
)

// Show reads how the connection's shard defines an object. The connection is in no particular database.
func Show(ctx context.Context, c *backend.Conn, n Names, o Object) (Definition, error) {
	database := n.physical(c.Shard().Name(), o.Database)
	name := identifier(database) + "." + identifier(o.Name)
	question := "SHOW CREATE " + strings.ToUpper(string(o.Kind)) + " " + name
	if o.Kind == Database {
		question = "SHOW CREATE DATABASE " + identifier(database)
	}
	res, err := c.Query(ctx, question, 1)
	if o.Kind == Table && is(err, erViewInvalid) {
		res, err = c.Query(ctx, "SHOW CREATE VIEW "+name, 1)
	}
	switch {
	case is(err, erBadDB, erNoTable, erNoRoutine, erNoTrigger, erNoEvent):
		return Definition{}, nil
	case err != nil:
		return Definition{}, fmt.Errorf("shard %s: how %s is defined: %w", c.Shard().Name(), o, err)
	case len(res.Rows) == 0:
		return Definition{}, nil
	}
	var d Definition
	for i, column := range res.Columns {
		switch value := res.Rows[0][i]; strings.ToLower(column.Name) {
		case "sql_mode":
			d.SQLMode = string(value)
		case "create view":
			d.SQL, d.View = string(value), true
		case "create table", "create database", "create procedure", "create function", "create event", "create package", "sql original statement":
			d.SQL = string(value)
		}
	}
	if d.SQL == "" {
		return Definition{}, fmt.Errorf("shard %s: how %s is defined is not shown to its user", c.Shard().Name(), o)
	}
	d.SQL = normalise(d.SQL)
	if database != o.Database {
		d.SQL = strings.ReplaceAll(d.SQL, identifier(database)+".", identifier(o.Database)+".")
		if o.Kind == Database {
			d.SQL = strings.Replace(d.SQL, identifier(database), identifier(o.Database), 1)
		}
	}
	return d, nil
}

// ShowAll is Show for several objects.
func ShowAll(ctx context.Context, c *backend.Conn, n Names, objects []Object) ([]Definition, error) {
	list := make([]Definition, len(objects))
	for i, o := range objects {
		var err error
		if list[i], err = Show(ctx, c, n, o); err != nil {
			return nil, err
		}
	}
	return list, nil
}

var nextValue = regexp.MustCompile(` AUTO_INCREMENT=\d+`)

// normalise takes the next AUTO_INCREMENT value off a table's options: it differs by its nature. The options begin at the
// line with the closing parenthesis; a comment may hold anything.
func normalise(sql string) string {
	at := strings.LastIndex(sql, "\n) ")
	if at < 0 {
		return sql
	}
	options := sql[at:]
	end := len(options)
	if i := strings.Index(options, " COMMENT='"); i >= 0 {
		end = i
	}
	return sql[:at] + nextValue.ReplaceAllString(options[:end], "") + options[end:]
}

func is(err error, codes ...uint16) bool {
	var said *protocol.ServerError
	if !errors.As(err, &said) {
		return false
	}
	for _, code := range codes {
		if said.Code == code {
			return true
		}
	}
	return false
}

// identifier quotes a name; backticks mean the same under every sql_mode.
func identifier(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
