package backend

import (
	"context"
	"fmt"
	"strconv"

	"lockstep/protocol"
)

// sessionList is a server's sessions at one moment.
type sessionList struct {
	ids   map[uint64]struct{}
	whole bool // false: sessions of other users are not shown
}

// sessionGone says whether the server certainly has no session of this id (0: not known which) any more. Many callers
// share one look, which begins after each has asked: when a proxy dies it leaves markers of thousands of sessions, and most of
// them ended with it.
func (s *Shard) sessionGone(ctx context.Context, id uint64) (bool, error) {
	if id == 0 {
		return false, nil
	}
	list, err := s.sessions.do(ctx, func() (l sessionList, err error) {
		ctx, cancel := context.WithTimeout(s.ctx, s.o.RecoveryTimeout)
		defer cancel()
		err = s.onSide(ctx, func(ctx context.Context, c *Conn) (err error) {
			l, err = c.listSessions(ctx)
			return err
		})
		return l, err
	})
	if err != nil {
		return false, fmt.Errorf("shard %s: listing the server's sessions: %w", s.o.Name, err)
	}
	_, there := list.ids[id]
	return list.whole && !there, nil
}

// listSessions lists all sessions that this user is shown; the PROCESS privilege shows them all.
func (c *Conn) listSessions(ctx context.Context) (sessionList, error) {
	l := sessionList{ids: map[uint64]struct{}{}}
	res, err := c.Query(ctx, "SELECT COUNT(*) FROM information_schema.user_privileges "+
		"WHERE privilege_type = 'PROCESS' AND grantee = CONCAT(0x27, REPLACE(CURRENT_USER(), '@', 0x274027), 0x27)", 1)
	if err != nil {
		return l, err
	}
	l.whole = len(res.Rows) == 1 && len(res.Rows[0]) == 1 && string(res.Rows[0][0]) != "0"
	_, err = c.each(ctx, "SELECT id FROM information_schema.processlist", func(row []protocol.Field) error {
		id, err := strconv.ParseUint(string(row[0]), 10, 64)
		l.ids[id] = struct{}{}
		return err
	})
	return l, err
}
