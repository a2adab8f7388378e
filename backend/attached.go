package backend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"lockstep/protocol"
)

// preparedTransactions is what InnoDB knows of prepared transactions. It does not
// say which XID each has.
type preparedTransactions struct {
	attached map[uint64]uint32 // transaction id → connection id (0: not shown)
	detached int               // those of no session; 0 when counted is false
	counted  bool              // attached holds prepared ones only, and detached is known
}

// preparedNow asks MariaDB which transactions are prepared and still tied to a
// session. SHOW ENGINE INNODB STATUS says it exactly and is never stale, but is cut at
// 1 MiB; then innodb_trx serves, which cannot tell a prepared transaction from an active one.
func (c *Conn) preparedNow(ctx context.Context) (preparedTransactions, error) {
	res, err := c.Query(ctx, "SHOW ENGINE INNODB STATUS", 1)
	if err != nil {
		return preparedTransactions{}, fmt.Errorf("reading InnoDB's status (needs the PROCESS privilege): %w", err)
	}
	if len(res.Rows) == 1 && len(res.Rows[0]) == 3 {
		if p, ok := parseInnoDBStatus(res.Rows[0][2]); ok {
			return p, nil
		}
	}
	return c.attachedFromTable(ctx)
}

// parseInnoDBStatus reads the list of transactions:
//
//	---TRANSACTION 24, ACTIVE (PREPARED) 1 sec
//	2 lock struct(s), heap size 1128, 1 row lock(s), undo log entries 1
//	MariaDB thread id 5, OS thread handle 139818640213696, query id 19 localhost root
//	---TRANSACTION 25, ACTIVE (PREPARED) 9 sec recovered trx
//
// "recovered trx" marks one that no session holds. Statements are printed as
// they are, so a client can forge lines: that can only make the answer more careful, because
// what is listed as attached stays so and the first thread id behind a header is the server's.
// False when the list is not whole.
func parseInnoDBStatus(text []byte) (preparedTransactions, bool) {
	p := preparedTransactions{attached: map[uint64]uint32{}, counted: true}
	if !bytes.Contains(text, []byte("\nLIST OF TRANSACTIONS FOR EACH SESSION:\n")) ||
		!bytes.Contains(text, []byte("\nEND OF INNODB MONITOR OUTPUT\n")) ||
		bytes.Contains(text, []byte("truncated...")) {
		return p, false
	}
	var id uint64 // of the attached transaction whose lines these are; 0: of none
	for line := range bytes.Lines(text) {
		if head, ok := bytes.CutPrefix(line, []byte("---TRANSACTION ")); ok {
			id = 0
			number, state, _ := bytes.Cut(head, []byte(", "))
			if !bytes.HasPrefix(state, []byte("ACTIVE (PREPARED)")) {
				continue
			}
			n, err := strconv.ParseUint(string(number), 10, 64)
			switch {
			case err != nil: // prepared, but nothing we can wait for by name
				return p, false
			case bytes.Contains(state, []byte("recovered trx")):
				p.detached++
			default:
				id = n
				if _, ok := p.attached[id]; !ok {
					p.attached[id] = 0
				}
			}
			continue
		}
		if id == 0 {
			continue
		}
		if _, rest, ok := bytes.Cut(line, []byte(" thread id ")); ok && p.attached[id] == 0 {
			number, _, _ := bytes.Cut(rest, []byte(","))
			if n, err := strconv.ParseUint(string(number), 10, 32); err == nil {
				p.attached[id] = uint32(n)
			}
			id = 0
		}
	}
	return p, true
}

// innodb_trx is cached, and the cache is not renewed while anybody read it within
// the last 100 ms: reading in a tight loop, or in turn with another proxy, shows old rows for ever.
const trxCacheIdle = 100 * time.Millisecond

// attachedFromTable lists the transactions that a session holds and that may be
// prepared. Whether the rows are fresh shows in our own one: it carries the text of this very query.
func (c *Conn) attachedFromTable(ctx context.Context) (preparedTransactions, error) {
	p := preparedTransactions{attached: map[uint64]uint32{}}
	if _, err := c.Exec(ctx, "START TRANSACTION WITH CONSISTENT SNAPSHOT"); err != nil {
		return p, fmt.Errorf("reading innodb_trx: %w", err)
	}
	for {
		clear(p.attached)
		nonce := strconv.FormatUint(rand.Uint64(), 36)
		fresh := false
		_, err := c.each(ctx, "SELECT /*"+nonce+"*/ trx_id, trx_mysql_thread_id, trx_state, trx_query FROM information_schema.innodb_trx WHERE trx_mysql_thread_id <> 0",
			func(row []protocol.Field) error {
				if len(row) != 4 {
					return fmt.Errorf("row of %d columns", len(row))
				}
				id, thread, err := parseParty(row[0], row[1])
				if err != nil {
					return err
				}
				if thread == c.id {
					fresh = strings.Contains(string(row[3]), nonce)
					return nil
				}
				switch string(row[2]) {
				case "LOCK WAIT", "ROLLING BACK", "COMMITTING": // not prepared
				default:
					p.attached[id] = thread
				}
				return nil
			})
		if err != nil {
			return p, errors.Join(fmt.Errorf("reading innodb_trx (needs the PROCESS privilege): %w", err), c.endSnapshot(ctx))
		}
		if fresh {
			return p, c.endSnapshot(ctx)
		}
		if err := sleep(ctx, trxCacheIdle+10*time.Millisecond+rand.N(100*time.Millisecond)); err != nil {
			return p, errors.Join(fmt.Errorf("waiting for fresh rows of innodb_trx: %w", err), c.endSnapshot(ctx))
		}
	}
}

func (c *Conn) endSnapshot(ctx context.Context) error {
	_, err := c.Exec(ctx, "ROLLBACK")
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
