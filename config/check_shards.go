package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// shardNames holds the names of a file's shards, in order; empty where the
// file's list is broken, and then nothing is said about references to it.
type shardNames []string

// maxSocketPath is what fits into a sockaddr_un.
const maxSocketPath = 107

// shardForm keeps shard names readable in XIDs, where they are the bqual.
var shardForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (s *source) checkShards(c *Config) shardNames {
	if len(c.Shards) == 0 {
		s.find("shards", "no shards: list at least one database server")
	}
	var names shardNames
	first := make(map[string]string)
	homes := make(map[string]string)
	for i := range c.Shards {
		shard, path := &c.Shards[i], fmt.Sprintf("shards[%d]", i)
		if !shardForm.MatchString(shard.Name) {
			s.find(path+".name", "a shard needs a name of 1 to 64 of A-Z, a-z, 0-9, _ and - (it becomes part of every transaction id)")
		} else if s.unique(first, strings.ToLower(shard.Name), path+".name", "shard") {
			// Compared without case: servers keep these names in case-insensitive columns.
			names = append(names, shard.Name)
		}
		s.checkShardAddress(shard, path)
		if !printable(shard.User, maxUserName) {
			s.find(path+".user", "shard %q needs a user to log in to its server", shard.Name)
		}
		if s.given(path + ".database") {
			s.checkSchemaName(shard.Database, path+".database")
			if len(c.Schemas) != 1 {
				s.find(path+".database", "database renames the one schema on this shard, but the file lists %d schemas", len(c.Schemas))
			}
		}
		home := shard.Address + "\x00" + shard.Database
		if before, dup := homes[home]; dup {
			s.find(path+".address", "the shard in line %d has the same address and database: both would hold the same rows", s.place(before).line)
		} else if shard.Address != "" {
			homes[home] = path + ".address"
		}
		s.checkShardTLS(shard, path)
		s.checkPool(&shard.Pool, path+".pool")
	}
	return names
}

func (s *source) checkShardAddress(shard *Shard, path string) {
	path += ".address"
	switch {
	case shard.Address == "":
		s.find(path, "shard %q needs an address: host:port, or the absolute path of a unix socket", shard.Name)
	case strings.HasPrefix(shard.Address, "/"):
		if len(shard.Address) > maxSocketPath {
			s.find(path, "the socket path is longer than the %d bytes that a unix socket can have", maxSocketPath)
		}
	case strings.HasPrefix(shard.Address, "."):
		s.find(path, "address %q: the path of a unix socket must be absolute", shard.Address)
	default:
		if host, _, ok := s.checkHostPort(shard.Address, path, 1); ok && host == "" {
			s.find(path, "address %q: the host is missing", shard.Address)
		}
	}
}

func (s *source) checkPool(p *Pool, path string) {
	s.number(&p.MaxConns, path+".max_connections", 64, 1, 100_000)
	s.number(&p.MaxIdle, path+".max_idle", p.MaxConns, 1, 100_000)
	if p.MaxIdle > p.MaxConns && p.MaxConns > 0 {
		s.find(path+".max_idle", "max_idle %d is more than max_connections %d", p.MaxIdle, p.MaxConns)
	}
	s.duration(&p.IdleTime, path+".idle_time", 5*time.Minute)
	s.number(&p.QueueLength, path+".queue_length", 1024, 1, 10_000_000)
	s.duration(&p.AcquireTimeout, path+".acquire_timeout", 10*time.Second)
}

// checkShardName checks a reference to a shard.
func (s *source) checkShardName(name, path string, shards shardNames) bool {
	if len(shards) == 0 || slices.Contains(shards, name) {
		return true
	}
	s.find(path, "no shard named %q%s: the file has %s", name, didYouMean(name, shards), strings.Join(shards, ", "))
	return false
}

// systemSchemas belong to the servers, or to the proxy itself.
var systemSchemas = map[string]string{
	"mysql":              "the server",
	"information_schema": "the server",
	"performance_schema": "the server",
	"sys":                "the server",
	"lockstep":           "the proxy",
}

const maxIdentifier = 64 // characters of a database, table or column name

func (s *source) checkSchemaName(name, path string) bool {
	if !printable(name, maxIdentifier) {
		s.find(path, "a database needs a name of 1 to %d printable characters", maxIdentifier)
		return false
	}
	if owner, ok := systemSchemas[strings.ToLower(name)]; ok {
		s.find(path, "database %q belongs to %s and cannot be sharded (neither can %s)", name, owner, otherSystemSchemas(name))
		return false
	}
	return true
}

func otherSystemSchemas(name string) string {
	others := slices.DeleteFunc(slices.Sorted(maps.Keys(systemSchemas)), func(x string) bool { return strings.EqualFold(x, name) })
	return strings.Join(others, ", ")
}
