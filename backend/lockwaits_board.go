package backend

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"lockstep/protocol"
)

// AnnouncedWait is a transaction over several shards whose statement has not been answered
// for a while, as its proxy tells the others in the table lockstep.waiter. Times are
// microseconds since 1970: Began by the proxy's clock, Since and Seen by the server's.
type AnnouncedWait struct {
	GTRID       string
	Coordinator string
	Began       int64
	Wait        uint64 // number of the statement in its session
	Branches    string // shard:connection,shard:connection …
	Detects     int    // its proxy cannot read lock waits, can, or does: 0, 1, 2
	Victim      uint64 // the statement of this number shall end; 0: none
	Since       int64  // the statement was under way at this moment
	Seen        int64  // and still at this one
}

// The table lives in memory: its rows mean nothing after a restart, and telling them costs no
// write to a disk, which may be slow just when everything waits.
const (
	createBoardDatabase = "CREATE DATABASE IF NOT EXISTS lockstep"
	createBoard         = "CREATE TABLE IF NOT EXISTS lockstep.waiter (" +
		"gtrid VARBINARY(64) NOT NULL PRIMARY KEY, " +
		"coordinator VARBINARY(64) NOT NULL, " +
		"began BIGINT NOT NULL COMMENT 'microseconds since 1970, of the proxy', " +
		"wait BIGINT UNSIGNED NOT NULL COMMENT 'number of the statement that waits', " +
		"branches VARBINARY(1024) NOT NULL COMMENT 'shard:connection, …', " +
		"detects TINYINT NOT NULL COMMENT 'its proxy cannot read lock waits, can, or does: 0, 1, 2', " +
		"victim BIGINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'number of the statement that shall end', " +
		"since BIGINT NOT NULL COMMENT 'microseconds since 1970, of this server', " +
		"seen BIGINT NOT NULL COMMENT 'the same: its proxy last saw it waiting'" +
		") ENGINE=MEMORY COMMENT='statements that wait, for deadlocks over several shards'"
	boardClock = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))"
)

// MaxAnnouncedBranches bounds AnnouncedWait.Branches, in bytes.
const MaxAnnouncedBranches = 1024

// AnnouncedWaits lists the rows that their proxies saw not earlier than maxAge microseconds ago, at most
// limit, and the server's clock as of before they were read. The table is made where it is missing.
func (s *Shard) AnnouncedWaits(ctx context.Context, maxAge int64, limit int) (rows []AnnouncedWait, clock int64, err error) {
	err = s.onSide(ctx, func(ctx context.Context, c *Conn) error {
		if rows, clock, err = c.announcedWaits(ctx, maxAge, limit); !missingBoard(err) {
			return err
		}
		if err := c.createBoard(ctx); err != nil {
			return err
		}
		rows, clock, err = c.announcedWaits(ctx, maxAge, limit)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("reading lockstep.waiter on shard %s: %w", s.o.Name, err)
	}
	return rows, clock, nil
}

// CreateWaiterTable makes the database lockstep and the table lockstep.waiter where they are missing; made
// says whether it did. Proxies do it themselves where their user may.
func (s *Shard) CreateWaiterTable(ctx context.Context) (made bool, err error) {
	err = s.onSide(ctx, func(ctx context.Context, c *Conn) error {
		_, _, err := c.announcedWaits(ctx, 0, 1)
		if !missingBoard(err) {
			return err
		}
		made = true
		return c.createBoard(ctx)
	})
	if err != nil {
		return false, fmt.Errorf("shard %s: %w", s.o.Name, err)
	}
	return made, nil
}

func (c *Conn) createBoard(ctx context.Context) error {
	// Who may not make databases can still make the table in one that is there.
	if _, err := c.Exec(ctx, createBoardDatabase); err != nil && code(err) != protocol.ErrDBAccessDenied {
		return fmt.Errorf("making the database lockstep: %w", err)
	}
	if _, err := c.Exec(ctx, createBoard); err != nil {
		return fmt.Errorf("making the table lockstep.waiter: %w", err)
	}
	return nil
}

// AnnouncingDenied says whether the error of AnnouncedWaits or AnnounceWaits means that this user cannot
// have the table on this server.
func AnnouncingDenied(err error) bool { return deniedOrMissing(err) }

func missingBoard(err error) bool {
	var se *protocol.ServerError
	return errors.As(err, &se) && (se.Code == 1146 || se.Code == 1049)
}

func (c *Conn) announcedWaits(ctx context.Context, maxAge int64, limit int) (rows []AnnouncedWait, clock int64, err error) {
	res, err := c.Query(ctx, "SELECT "+boardClock, 1)
	if err != nil {
		return nil, 0, err
	}
	if len(res.Rows) != 1 || len(res.Rows[0]) != 1 {
		return nil, 0, errors.New("asking the server's clock: unexpected answer")
	}
	if clock, err = strconv.ParseInt(string(res.Rows[0][0]), 10, 64); err != nil {
		return nil, 0, fmt.Errorf("asking the server's clock: %w", err)
	}
	_, err = c.each(ctx, fmt.Sprintf("SELECT gtrid, coordinator, began, wait, branches, detects, victim, since, seen FROM lockstep.waiter WHERE seen >= %d LIMIT %d", clock-maxAge, limit),
		func(row []protocol.Field) error {
			if len(row) != 9 {
				return fmt.Errorf("row of %d columns", len(row))
			}
			w := AnnouncedWait{GTRID: string(row[0]), Coordinator: string(row[1]), Branches: string(row[4])}
			var errs [6]error
			w.Began, errs[0] = strconv.ParseInt(string(row[2]), 10, 64)
			w.Wait, errs[1] = strconv.ParseUint(string(row[3]), 10, 64)
			w.Victim, errs[2] = strconv.ParseUint(string(row[6]), 10, 64)
			w.Since, errs[3] = strconv.ParseInt(string(row[7]), 10, 64)
			w.Seen, errs[4] = strconv.ParseInt(string(row[8]), 10, 64)
			w.Detects, errs[5] = strconv.Atoi(string(row[5]))
			if err := errors.Join(errs[:]...); err != nil {
				return fmt.Errorf("reading the row of %s: %w", w.GTRID, err)
			}
			rows = append(rows, w)
			return nil
		})
	return rows, clock, err
}

// AnnounceWaits writes rows, new or known, and takes back those of gone. A victim's mark stays
// while the statement's number does.
func (s *Shard) AnnounceWaits(ctx context.Context, rows []AnnouncedWait, gone []string) error {
	var b strings.Builder
	if len(rows) > 0 {
		b.WriteString("INSERT INTO lockstep.waiter (gtrid, coordinator, began, wait, branches, detects, victim, since, seen) VALUES ")
		for i, w := range rows {
			if i > 0 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "(X'%x', X'%x', %d, %d, X'%x', %d, 0, %d, %d)", w.GTRID, w.Coordinator, w.Began, w.Wait, w.Branches, w.Detects, w.Since, w.Seen)
		}
		b.WriteString(" ON DUPLICATE KEY UPDATE wait = VALUES(wait), branches = VALUES(branches), detects = VALUES(detects), since = VALUES(since), seen = VALUES(seen)")
	}
	err := s.onSide(ctx, func(ctx context.Context, c *Conn) error {
		if len(gone) > 0 {
			if _, err := c.Exec(ctx, "DELETE FROM lockstep.waiter WHERE gtrid IN ("+hexLiterals(gone)+")"); err != nil {
				return err
			}
		}
		if len(rows) > 0 {
			_, err := c.Exec(ctx, b.String())
			return err
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("writing lockstep.waiter on shard %s: %w", s.o.Name, err)
	}
	return nil
}

// MarkVictim asks the proxy of a waiter to end its statement of that number.
func (s *Shard) MarkVictim(ctx context.Context, gtrid string, wait uint64) error {
	err := s.onSide(ctx, func(ctx context.Context, c *Conn) error {
		_, err := c.Exec(ctx, fmt.Sprintf("UPDATE lockstep.waiter SET victim = %d WHERE gtrid = X'%x' AND wait = %d", wait, gtrid, wait))
		return err
	})
	if err != nil {
		return fmt.Errorf("marking a victim in lockstep.waiter on shard %s: %w", s.o.Name, err)
	}
	return nil
}

// PurgeAnnouncedWaits removes rows that nobody has renewed since before (the server's clock), at most limit.
func (s *Shard) PurgeAnnouncedWaits(ctx context.Context, before int64, limit int) error {
	err := s.onSide(ctx, func(ctx context.Context, c *Conn) error {
		_, err := c.Exec(ctx, fmt.Sprintf("DELETE FROM lockstep.waiter WHERE seen < %d LIMIT %d", before, limit))
		return err
	})
	if err != nil {
		return fmt.Errorf("purging lockstep.waiter on shard %s: %w", s.o.Name, err)
	}
	return nil
}

func hexLiterals(list []string) string {
	var b strings.Builder
	for i, s := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "X'%x'", s)
	}
	return b.String()
}
