package main

import (
	"fmt"
	"os"
	"strings"
	"text/template"

	"lockstep/localdb"
)

// The account of the proxy on private shards. They listen on loopback only.
const (
	shardUser     = "lockstep"
	shardPassword = "lockstep"
)

var devConfig = template.Must(template.New("lockstep.yaml").Funcs(template.FuncMap{
	"yaml": func(s string) string { return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"` },
}).Parse(`# Written by "lockstep dev" at every start: to change something, copy this file and run
#   lockstep serve --config COPY
# (stop dev first, or give the copy other addresses and another log and coordinator).

# TLS for clients that want it, with a certificate made at each start: MariaDB's from 11.4 on
# connect to nothing without TLS. Others go without, which is faster.
tls:
  mode: optional

# Where clients connect, and the port for operators (SQL, metrics, readiness).
listen: {{yaml .Listen}}
{{- if .Socket}}
socket: {{yaml .Socket}}
{{- end}}
admin:
  listen: {{yaml .Admin}}

# Parts of every transaction id: which proxies belong together, and which one this is.
cluster: dev
coordinator: p1

# The decision log. A relative path starts at this file's folder.
log:
  path: lockstep.db

# How a transaction over several shards commits: 2pc (atomically), or single (it is refused).
commit_mode: 2pc

# Who may log in. An account without databases may use all.
users:
  - name: app
    password: app

# The database servers. Their names stand in every transaction id: never rename one.
shards:
{{- range .Servers}}
  - name: {{.Name}}
    address: {{yaml .Address}}
    user: {{$.User}}
    password: {{$.Password}}
{{- end}}

# Tables without a rule of their own are spread by a hash of the first column of their
# primary key. Rules of their own stand under "schemas".
default_rule:
  kind: sharded
  shard_key: primary_key
  function: hash

# How long open transactions may go on after Ctrl-C.
timeouts:
  drain: 10s
`))

// writeConfig writes the configuration that dev itself then loads. It appears
// whole or not at all.
func (d *devDir) writeConfig(o devOptions, servers []*localdb.Server) error {
	var text strings.Builder
	if err := devConfig.Execute(&text, map[string]any{
		"Socket": d.socket(), "Listen": o.listen, "Admin": o.admin, "Servers": servers, "User": shardUser, "Password": shardPassword,
	}); err != nil {
		return fmt.Errorf("compose the configuration: %w", err)
	}
	unfinished := d.configFile() + ".new"
	if err := os.WriteFile(unfinished, []byte(text.String()), 0o600); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	if err := os.Rename(unfinished, d.configFile()); err != nil {
		return fmt.Errorf("put the configuration into place: %w", err)
	}
	return nil
}
