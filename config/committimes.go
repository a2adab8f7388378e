package config

import "time"

// CommitTimes are the time limits of commit mode 3pc, and how long the rows stay that
// it and clients' tokens leave on the shards (the table lockstep.branch). All proxies of
// a cluster should have the same.
type CommitTimes struct {
	PrecommitTimeout time.Duration `yaml:"precommit_timeout"` // age of another proxy's prepared transaction at which this one ends it; default 3s
	MarkerRetention  time.Duration `yaml:"marker_retention"`  // the row of a settled transaction stays on its shard for; default 10m
	TokenRetention   time.Duration `yaml:"token_retention"`   // the same with a token: for so long its outcome can be looked up; default 24h
}

// longestRetention keeps the table from growing without an end in sight.
const longestRetention = 90 * 24 * time.Hour

func (s *source) checkCommitTimes(t *CommitTimes) {
	for _, f := range []struct {
		value  *time.Duration
		name   string
		preset time.Duration
	}{
		{&t.PrecommitTimeout, "precommit_timeout", 3 * time.Second},
		{&t.MarkerRetention, "marker_retention", 10 * time.Minute},
		{&t.TokenRetention, "token_retention", 24 * time.Hour},
	} {
		s.duration(f.value, f.name, f.preset)
	}
	if t.MarkerRetention > 0 && t.MarkerRetention < 2*t.PrecommitTimeout {
		s.findAt([]string{"marker_retention", "precommit_timeout"},
			"marker_retention %v must be at least twice precommit_timeout %v: who ends a transaction late must still find its rows", t.MarkerRetention, t.PrecommitTimeout)
	}
	if t.TokenRetention > 0 && t.MarkerRetention > 0 && t.TokenRetention < t.MarkerRetention {
		s.findAt([]string{"token_retention", "marker_retention"},
			"token_retention %v must not be shorter than marker_retention %v", t.TokenRetention, t.MarkerRetention)
	}
	for path, d := range map[string]time.Duration{"marker_retention": t.MarkerRetention, "token_retention": t.TokenRetention} {
		if d > longestRetention {
			s.find(path, "%s %v is out of bounds: it can be up to %v", path, d, longestRetention)
		}
	}
}

// findAt adds a finding at the first of the paths that the file has.
func (s *source) findAt(paths []string, format string, args ...any) {
	for _, path := range paths {
		if s.given(path) {
			s.find(path, format, args...)
			return
		}
	}
	s.find(paths[0], format, args...)
}
