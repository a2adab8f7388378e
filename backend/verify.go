package backend

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// verified is what a server lists after branches were settled.
type verified struct {
	listed map[XID]struct{}
	hidden int // prepared transactions that InnoDB has and XA RECOVER has not
}

// hiddenLimit is the length of XA RECOVER up to which InnoDB is asked too. Its
// status report holds a latch that all row locks need, for a time that grows with the list.
const hiddenLimit = 256

// hiddenWait lets a difference between the two lists pass that comes from
// branches which were prepared or settled between the two looks.
const hiddenWait = 50 * time.Millisecond

// verify lists what is prepared. Many callers share one look, which begins after each has asked.
func (s *Shard) verify(ctx context.Context) (verified, error) {
	return s.verifier.do(ctx, func() (v verified, err error) {
		ctx, cancel := context.WithTimeout(s.ctx, s.o.RecoveryTimeout)
		defer cancel()
		err = s.onSide(ctx, func(ctx context.Context, c *Conn) error {
			for range 3 {
				xids, err := c.recover(ctx)
				if err != nil {
					return err
				}
				v = verified{listed: make(map[XID]struct{}, len(xids))}
				for _, x := range xids {
					v.listed[x] = struct{}{}
				}
				if c.flavor != MariaDB || len(xids) > hiddenLimit {
					return nil
				}
				p, err := c.preparedNow(ctx)
				if err != nil {
					return err
				}
				// A listed branch that wrote nothing has no transaction in InnoDB, so this may miss one, but does not invent one.
				v.hidden = 0
				if !p.counted || p.detached <= len(xids) {
					return nil
				}
				// A client can forge lines of the report, but not rows of the table.
				n, err := c.detachedInTable(ctx)
				if err != nil {
					return err
				}
				if v.hidden = min(p.detached, n) - len(xids); v.hidden <= 0 {
					v.hidden = 0
					return nil
				}
				if err := sleep(ctx, hiddenWait); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil && s.hides(v.hidden) {
			if v.hidden > 0 {
				s.o.Logger.Error("prepared transactions are hidden from XA RECOVER until the server is restarted", "count", v.hidden)
			} else {
				s.o.Logger.Info("no prepared transaction is hidden from XA RECOVER any more")
			}
		}
		return v, err
	})
}

// Complete is nil if XA RECOVER lists all that is prepared; *HiddenError where it does not.
func (s *Shard) Complete(ctx context.Context) error {
	v, err := s.verify(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("shard %s: looking for hidden branches: %w", s.o.Name, err)
	case v.hidden > 0:
		return &HiddenError{s.o.Name, v.hidden}
	}
	return nil
}

// detachedInTable counts the transactions that no session holds, as of at most a moment ago.
func (c *Conn) detachedInTable(ctx context.Context) (int, error) {
	res, err := c.Query(ctx, "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = 0", 1)
	if err != nil {
		return 0, fmt.Errorf("reading innodb_trx (needs the PROCESS privilege): %w", err)
	}
	if len(res.Rows) != 1 || len(res.Rows[0]) != 1 {
		return 0, errors.New("reading innodb_trx: unexpected answer")
	}
	return strconv.Atoi(string(res.Rows[0][0]))
}
