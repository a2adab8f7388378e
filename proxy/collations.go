package proxy

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"lockstep/backend"
)

// collations are the shards' character sets, by the numbers that clients use in the handshake.
type collations struct {
	mu       sync.RWMutex
	ids      map[byte]collation
	defaults map[string]string // character set → its default collation
}

type collation struct{ charset, name string }

// fallbackCollation stands for numbers that the shards do not know, such as
// MySQL 8's utf8mb4_0900_ai_ci on MariaDB; a server does the same.
var fallbackCollation = collation{"utf8mb4", "utf8mb4_general_ci"}

func (c *collations) byID(id byte) (charset, name string) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	col, ok := c.ids[id]
	if !ok {
		col = fallbackCollation
	}
	return col.charset, col.name
}

func (c *collations) defaultOf(charset string) (string, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	name, ok := c.defaults[charset]
	return name, ok
}

// maxCollations bounds what is read of a server's collations.
const maxCollations = 4096

// readServer asks a server for what clients must be told or what decides how its answers are read.
func (p *Proxy) readServer(ctx context.Context, shard *backend.Shard) error {
	conn, err := shard.Acquire(ctx, p.states.intern(&backend.State{}), true)
	if err != nil {
		return fmt.Errorf("ask shard %s for its character sets: %w", shard.Name(), err)
	}
	defer conn.Release()
	res, err := conn.Query(ctx, "SELECT id, character_set_name, collation_name, is_default FROM information_schema.collations WHERE id IS NOT NULL AND character_set_name IS NOT NULL", maxCollations)
	if err != nil {
		return fmt.Errorf("read the collations of shard %s: %w", shard.Name(), err)
	}
	ids, defaults := map[byte]collation{}, map[string]string{}
	for _, r := range res.Rows {
		col := collation{charset: string(r[1]), name: string(r[2])}
		if n, err := strconv.Atoi(string(r[0])); err == nil && n > 0 && n < 256 {
			ids[byte(n)] = col
		}
		if string(r[3]) == "Yes" {
			defaults[col.charset] = col.name
		}
	}
	if d, ok := defaults["utf8mb3"]; ok {
		defaults["utf8"] = d
	}
	p.collations.mu.Lock()
	p.collations.ids, p.collations.defaults = ids, defaults
	p.collations.mu.Unlock()

	res, err = conn.Query(ctx, "SELECT @@global.sql_mode, @@version, @@global.innodb_rollback_on_timeout", 1)
	if err != nil {
		return fmt.Errorf("read the sql_mode of shard %s: %w", shard.Name(), err)
	}
	mode, version := string(res.Rows[0][0]), string(res.Rows[0][1])
	p.sqlMode.Store(&mode)
	p.version.Store(&version)
	if string(res.Rows[0][2]) == "1" {
		p.rollbackOnTimeout.Store(true)
	}
	return nil
}
