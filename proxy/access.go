package proxy

import (
	"slices"
	"time"

	"lockstep/protocol"
	"lockstep/sharding"
)

// may says whether the user may use a database.
func (s *session) may(database string) bool {
	return len(s.user.Databases) == 0 || database == "information_schema" || slices.Contains(s.user.Databases, database)
}

// unrestricted says whether the user may do everything.
func (s *session) unrestricted() bool { return len(s.user.Databases) == 0 }

// mustAdministrate refuses what changes more than the user's own databases.
func (s *session) mustAdministrate(what string) error {
	if s.unrestricted() {
		return nil
	}
	return protocol.NewError(1227, "Access denied; you need (at least one of) the ADMINISTRATOR privilege(s) for this operation (%s: the user is limited to its databases)", what)
}

// checkDatabase says why a database cannot be used.
func (s *session) checkDatabase(name string) error {
	if name == "" {
		return protocol.NewError(erNoDB, "No database selected")
	}
	if !s.may(name) {
		return protocol.NewError(erDBAccessDenied, "Access denied for user '%s'@'%s' to database '%s'", s.user.Name, s.host, name)
	}
	if s.p.catalog.hasDatabase(name) {
		return nil
	}
	if err := s.p.reloadSince(s.ctx, time.Now().Add(-staleAfter)); err != nil && !s.p.catalog.loaded() {
		return err
	}
	if s.p.catalog.hasDatabase(name) {
		return nil
	}
	return protocol.NewError(erBadDB, "Unknown database '%s'", name)
}

// checkAccess refuses a statement on databases that are not the user's. For a
// user with limits, a statement whose tables are not all known is refused too.
func (s *session) checkAccess(st *sharding.Statement) error {
	if s.unrestricted() {
		return nil
	}
	for _, d := range st.Databases {
		if !s.may(d) {
			return protocol.NewError(erTableAccessDenied, "%s command denied to user '%s'@'%s' for database '%s'", "Statement", s.user.Name, s.host, d)
		}
	}
	if st.Opaque {
		return protocol.NewError(erTableAccessDenied, "Statement denied to user '%s'@'%s': which tables it uses cannot be told, and the user is limited to its databases", s.user.Name, s.host)
	}
	return nil
}
