package config

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// check fills in the defaults and adds a finding for all that cannot work.
func (s *source) check(c *Config) {
	s.checkIdentity(c)
	s.checkListeners(c)
	s.checkTransport(c)
	s.checkUsers(c)
	shards := s.checkShards(c)
	s.checkSchemas(c, shards)
	s.checkSequences(c, shards)
	s.checkCommitTimes(&c.CommitTimes)
	s.checkDeadlocks(&c.Deadlocks)
	s.fill(&c.LockTables, "lock_tables", LockTablesRefuse)
	s.oneOf(c.LockTables, "lock_tables", LockTablesRefuse, LockTablesIgnore)
	s.fill(&c.LocalInfile, "local_infile", LocalInfileOn)
	s.oneOf(c.LocalInfile, "local_infile", LocalInfileOn, LocalInfileOff)
	s.fill(&c.Scratch, "scratch", ScratchOn)
	s.oneOf(c.Scratch, "scratch", ScratchOn, ScratchOff)
	s.checkCompression(c)
	s.checkTimeouts(&c.Timeouts)
	s.checkLimits(&c.Limits)
	s.checkEvents(c)
}

// idForm is the form of the names in a gtrid: four of them, with dots, an epoch
// and a counter, must stay within the 64 bytes of an XID.
var idForm = regexp.MustCompile(`^[a-z0-9-]{1,16}$`)

// versionForm is what clients can parse: they read the leading numbers.
var versionForm = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+[!-~]{0,50}$`)

func (s *source) checkIdentity(c *Config) {
	s.fill(&c.Cluster, "cluster", "lockstep")
	s.fill(&c.Coordinator, "coordinator", "p1")
	for _, id := range []struct{ path, value string }{{"cluster", c.Cluster}, {"coordinator", c.Coordinator}} {
		if !idForm.MatchString(id.value) {
			s.find(id.path, "%s %q: use 1 to 16 of a-z, 0-9 and - (it becomes part of every transaction id)", id.path, id.value)
		}
	}

	s.fill(&c.Log.Path, "log.path", "lockstep.db")
	if !filepath.IsAbs(c.Log.Path) {
		c.Log.Path = filepath.Join(filepath.Dir(s.file), c.Log.Path)
	}

	s.fill(&c.CommitMode, "commit_mode", TwoPhase)
	switch c.CommitMode {
	case TwoPhase, ThreePhase, OneShard:
	default:
		s.find("commit_mode", "unknown commit_mode %q: use 2pc, 3pc or single", c.CommitMode)
	}

	if s.given("server_version") && !versionForm.MatchString(c.ServerVersion) {
		s.find("server_version", "server_version %q: clients expect a form such as 10.11.6-MariaDB or 8.4.0", c.ServerVersion)
	}
}

func (s *source) checkSequences(c *Config, shards shardNames) {
	s.number(&c.SequenceBlock, "sequence_block", 1000, 1, 1_000_000)
	if s.given("sequence_shard") {
		s.checkShardName(c.SequenceShard, "sequence_shard", shards)
	} else if len(c.Shards) > 0 {
		c.SequenceShard = c.Shards[0].Name
	}
}

func (s *source) checkTimeouts(t *Timeouts) {
	for _, f := range []struct {
		value  *time.Duration
		name   string
		preset time.Duration
	}{
		{&t.Handshake, "handshake", 10 * time.Second},
		{&t.Idle, "idle", 8 * time.Hour},
		{&t.Prepare, "prepare", 10 * time.Second},
		{&t.Commit, "commit", 10 * time.Second},
		{&t.Drain, "drain", 10 * time.Second},
		{&t.Dial, "dial", 3 * time.Second},
		{&t.Resolve, "resolve", 5 * time.Second},
		{&t.NetRead, "net_read", 30 * time.Second},
		{&t.NetWrite, "net_write", 60 * time.Second},
		{&t.Definition, "definition", 60 * time.Second},
		{&t.Catalog, "catalog", time.Second},
	} {
		s.duration(f.value, "timeouts."+f.name, f.preset)
	}
	if t.Statement < 0 {
		s.find("timeouts.statement", "statement cannot be negative: 0s means no time limit")
	}
}

// checkEvents checks what serves clients without a goroutine for each.
func (s *source) checkEvents(c *Config) {
	s.number(&c.EventLoops, "event_loops", -1, 0, 1024)
	s.number(&c.Pipeline.Connections, "pipeline.connections", 2, 0, 1024)
	s.number(&c.Pipeline.Depth, "pipeline.depth", 128, 1, 10_000)
}

func (s *source) checkLimits(l *Limits) {
	const mebibyte = 1 << 20
	for _, f := range []struct {
		value               *int
		name                string
		preset, least, most int
	}{
		{&l.MaxConnections, "max_connections", 4096, 1, 1_000_000},
		{&l.MaxUserConnections, "max_user_connections", 0, 0, 1_000_000},
		{&l.MaxAttributes, "max_attributes", 4 << 10, 0, 64 << 10},
		// 1 GiB is the most that MySQL and MariaDB take themselves.
		{&l.MaxPacket, "max_packet", 64 * mebibyte, 16 << 10, 1024 * mebibyte},
		{&l.MaxLoginPacket, "max_login_packet", 16 << 10, 1 << 10, mebibyte},
		{&l.MaxStatements, "max_prepared_statements", 1024, 1, 1_000_000},
		{&l.MaxMergeRows, "max_merge_rows", 1_000_000, 1, 1_000_000_000},
		{&l.MaxMergeBytes, "max_merge_bytes", 256 * mebibyte, mebibyte, 1 << 40},
		{&l.MaxScratchRows, "max_scratch_rows", 1_000_000, 1, 1_000_000_000},
		{&l.MaxScratchBytes, "max_scratch_bytes", 1024 * mebibyte, mebibyte, 1 << 40},
		{&l.MaxScratchRuns, "max_scratch_statements", 16, 1, 10_000},
		{&l.MaxKeptConnections, "max_kept_connections", 16, 0, 100_000},
		{&l.MaxChangedRows, "max_changed_rows", 100_000, 1, 1_000_000_000},
		{&l.MaxCursorBytes, "max_cursor_bytes", 1024 * mebibyte, mebibyte, 1 << 40},
		{&l.PlanCache, "plan_cache", 4096, 1, 10_000_000},
		{&l.MaxLoadLine, "max_load_line", 16 * mebibyte, 1 << 10, 1024 * mebibyte},
		{&l.LogQueue, "log_queue", 8192, 1, 10_000_000},
		{&l.OutcomeLookups, "outcome_lookups", 6000, 1, 10_000_000},
	} {
		s.number(f.value, "limits."+f.name, f.preset, f.least, f.most)
	}
	// All of a fleet's clients may come at once after a restart, so by default none of them is turned away.
	s.number(&l.MaxUnauthenticated, "limits.max_unauthenticated", l.MaxConnections, 1, 1_000_000)
}

// fill sets a text to its default where the file does not have it.
func (s *source) fill(v *string, path, preset string) {
	if !s.given(path) || s.broken[path] {
		*v = preset
	}
}

// number sets a number to its default where the file does not have it, and
// otherwise checks its bounds.
func (s *source) number(v *int, path string, preset, least, most int) {
	if !s.given(path) || s.broken[path] {
		*v = preset
		return
	}
	if *v < least || *v > most {
		s.find(path, "%s %d is out of bounds: it can be %d to %d", lastName(path), *v, least, most)
	}
}

// duration is number for a time that must be above zero.
func (s *source) duration(v *time.Duration, path string, preset time.Duration) {
	if !s.given(path) || s.broken[path] {
		*v = preset
		return
	}
	if *v <= 0 {
		s.find(path, "%s must be above 0", lastName(path))
	}
}

// printable says whether a name has only characters that can be shown, and is
// not empty or too long.
func printable(name string, most int) bool {
	return name != "" && len(name) <= most && !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd })
}

// oneOf checks a word against the words allowed.
func (s *source) oneOf(word, path string, allowed ...string) bool {
	if slices.Contains(allowed, word) {
		return true
	}
	last := len(allowed) - 1
	s.find(path, "unknown %s %q%s: use %s or %s", lastName(path), word, didYouMean(word, allowed), strings.Join(allowed[:last], ", "), allowed[last])
	return false
}
