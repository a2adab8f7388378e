package config

import "time"

// Deadlocks say how deadlocks over several shards are looked for.
type Deadlocks struct {
	DeadlockDetection string        `yaml:"deadlock_detection"` // on (default) | off: they are left to innodb_lock_wait_timeout
	DeadlockWait      time.Duration `yaml:"deadlock_wait"`      // how long a statement is under way before anybody looks; default 100ms
	DeadlockMaxWaits  int           `yaml:"deadlock_max_waits"` // lock waits read of one server; what is past it is not seen; default 20,000
}

// The values of Deadlocks.DeadlockDetection.
const (
	DetectionOn  = "on"
	DetectionOff = "off"
)

// longestDeadlockWait is past any lock wait time-out that makes sense: to wait longer is to be off.
const longestDeadlockWait = time.Hour

func (s *source) checkDeadlocks(d *Deadlocks) {
	s.fill(&d.DeadlockDetection, "deadlock_detection", DetectionOn)
	if d.DeadlockDetection != DetectionOn && d.DeadlockDetection != DetectionOff {
		s.find("deadlock_detection", "unknown deadlock_detection %q: use on or off", d.DeadlockDetection)
	}
	s.duration(&d.DeadlockWait, "deadlock_wait", 100*time.Millisecond)
	if d.DeadlockWait > longestDeadlockWait {
		s.find("deadlock_wait", "deadlock_wait %v is out of bounds: it can be up to %v", d.DeadlockWait, longestDeadlockWait)
	}
	s.number(&d.DeadlockMaxWaits, "deadlock_max_waits", 20_000, 100, 1_000_000)
}
