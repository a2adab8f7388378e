package proxy

import (
	"lockstep/config"
	"lockstep/protocol"
)

// lockTables refuses LOCK TABLES, or answers OK and locks nothing where the configuration says so: it commits what is open, as a
// server's does, and UNLOCK TABLES that follows has nothing to do.
func (s *session) lockTables() error {
	if s.p.cfg.LockTables != config.LockTablesIgnore {
		return notSupported("LOCK TABLES: a lock over several shards would not be one lock (mysqldump: use --skip-add-locks; lock_tables: ignore in the configuration accepts it without locking)")
	}
	if err := s.implicitCommit(); err != nil {
		return err
	}
	s.diag.warn(erUnknown, "LOCK TABLES has locked nothing (lock_tables: ignore)")
	s.rowCount = 0
	return s.sent(s.writeOK(protocol.OK{Warnings: s.diag.count()}))
}
