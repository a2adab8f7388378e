package deadlock

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"lockstep/backend"
)

// board is a server's table lockstep.waiter, as last read.
type board struct {
	off    time.Time // not asked before
	said   bool
	rows   []backend.AnnouncedWait
	clock  int64     // the server's, while asked … answered; 0: not known
	asked  time.Time //
	answer time.Time //
	purged time.Time
}

// told is a row that this proxy has written.
type told struct {
	statement uint64
	since     time.Time
	role      int
	at        time.Time
}

// foreign is a transaction of another proxy.
type foreign struct {
	member Member
	on     []*server // where its row was read
}

// meet exchanges with the other proxies who waits, on every server in scope at once; false: it is not time yet.
func (d *Detector) meet(ctx context.Context, scope []*server) bool {
	now := time.Now()
	if now.Sub(d.exchange) < boardInterval {
		return false
	}
	d.exchange = now
	d.each(scope, func(s *server) { d.readBoard(ctx, s) })
	own := d.sweep()
	if slices.ContainsFunc(scope, func(s *server) bool { return len(s.told) == 0 && d.present(s, own) }) {
		// Of two proxies that come at the same moment one at least sees the other: each tells before it looks.
		d.each(scope, func(s *server) { d.writeBoard(ctx, s, own) })
		d.each(scope, func(s *server) { d.readBoard(ctx, s) })
	}
	d.collect(scope)
	d.elect(scope)
	// What is told was so after the boards' clocks were read.
	own = d.sweep()
	d.each(scope, func(s *server) { d.writeBoard(ctx, s, own) })
	d.obey(scope, own)
	return true
}

// each runs f for all servers whose board can be used, all at once.
func (d *Detector) each(list []*server, f func(*server)) {
	var wait sync.WaitGroup
	for _, s := range list {
		if !time.Now().Before(s.board.off) {
			wait.Go(func() { f(s) })
		}
	}
	wait.Wait()
}

func (d *Detector) readBoard(ctx context.Context, s *server) {
	ctx, cancel := context.WithTimeout(ctx, d.o.Timeout)
	defer cancel()
	b := &s.board
	asked := time.Now()
	rows, clock, err := s.Source.AnnouncedWaits(ctx, rowExpiry.Microseconds(), d.o.MaxRows)
	if err != nil {
		d.boardFailed(ctx, s, err)
		return
	}
	if b.said {
		b.said = false
		d.o.Logger.Info("deadlocks with other proxies through a shard can be found again", "shard", s.Name)
	}
	b.rows, b.clock, b.asked, b.answer = rows, clock, asked, time.Now()
}

// boardFailed stops using a server's board for a while.
func (d *Detector) boardFailed(ctx context.Context, s *server, err error) {
	now := time.Now()
	s.board.rows, s.board.clock = nil, 0
	s.board.off = now.Add(failureInterval)
	if backend.AnnouncingDenied(err) {
		s.board.off = now.Add(deniedInterval)
		clear(s.told)
		if !s.board.said {
			s.board.said = true
			d.o.Logger.Warn("table lockstep.waiter of a shard cannot be used: deadlocks with transactions of other proxies through it are left to its lock wait time-out", "shard", s.Name, "err", err)
		}
		return
	}
	if ctx.Err() == nil {
		d.o.Logger.Debug("other proxies' waits could not be exchanged on a shard", "shard", s.Name, "err", err)
	}
}

// writeBoard tells the other proxies on one server which transactions of ours wait there.
func (d *Detector) writeBoard(ctx context.Context, s *server, own []waiting) {
	b := &s.board
	if b.clock == 0 {
		return
	}
	renew := renewAlone
	for i := range b.rows {
		if b.rows[i].Coordinator != d.o.Coordinator {
			renew = renewBesides
			break
		}
	}
	now := time.Now()
	role := d.role(now)
	var rows []backend.AnnouncedWait
	here := map[string]bool{}
	for i := range own {
		w := &own[i]
		if !w.on(s, d) {
			continue
		}
		here[w.member.GTRID] = true
		was, known := s.told[w.member.GTRID]
		if known && was.statement == w.member.Statement && was.since.Equal(w.member.Since) && was.role == role && now.Sub(was.at) < renew {
			continue
		}
		branches := formatBranches(w.shards)
		if len(branches) > backend.MaxAnnouncedBranches || len(rows) >= d.o.MaxRows {
			continue // deadlocks among our own are found all the same
		}
		rows = append(rows, backend.AnnouncedWait{
			GTRID: w.member.GTRID, Coordinator: d.o.Coordinator, Began: w.member.Began, Wait: w.member.Statement,
			Branches: branches, Detects: role,
			// The clock was read at some moment after asked, so this is never too early.
			Since: b.clock + w.member.Since.Sub(b.asked).Microseconds() + 1,
			Seen:  b.clock,
		})
	}
	var gone []string
	for gtrid := range s.told {
		if !here[gtrid] && len(gone) < d.o.MaxRows {
			gone = append(gone, gtrid)
		}
	}
	if len(rows) == 0 && len(gone) == 0 && now.Sub(b.purged) < purgeInterval {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, d.o.Timeout)
	defer cancel()
	for _, r := range rows { // before they are written: what may be there must be taken back
		w := find(own, r.GTRID)
		s.told[r.GTRID] = told{r.Wait, w.member.Since, role, now}
	}
	if len(rows) > 0 || len(gone) > 0 {
		if err := s.Source.AnnounceWaits(ctx, rows, gone); err != nil {
			d.boardFailed(ctx, s, err)
			return
		}
	}
	for _, gtrid := range gone {
		delete(s.told, gtrid)
	}
	if now.Sub(b.purged) >= purgeInterval {
		b.purged = now
		if err := s.Source.PurgeAnnouncedWaits(ctx, b.clock-purgeAge.Microseconds(), d.o.MaxRows); err != nil {
			d.boardFailed(ctx, s, err)
		}
	}
}

// present says whether any of our own has a branch on the server.
func (d *Detector) present(s *server, own []waiting) bool {
	return slices.ContainsFunc(own, func(w waiting) bool { return w.on(s, d) })
}

// on says whether the transaction has a branch on the server.
func (w *waiting) on(s *server, d *Detector) bool {
	for _, c := range w.member.Connections {
		if d.servers[c.Server] == s {
			return true
		}
	}
	return false
}

func find(own []waiting, gtrid string) *waiting {
	for i := range own {
		if own[i].member.GTRID == gtrid {
			return &own[i]
		}
	}
	return nil
}

// collect takes the other proxies' rows from the boards.
func (d *Detector) collect(scope []*server) {
	clear(d.foreign)
	for _, s := range scope {
		b := &s.board
		for i := range b.rows {
			r := &b.rows[i]
			if r.Coordinator == d.o.Coordinator {
				continue
			}
			// The clock was read between asked and answer: from either side, never too favourable.
			m := Member{
				GTRID: r.GTRID, Coordinator: r.Coordinator, Began: r.Began, Statement: r.Wait,
				Since: b.answer.Add(-time.Duration(b.clock-r.Since) * time.Microsecond),
				Seen:  b.asked.Add(-time.Duration(b.clock-r.Seen) * time.Microsecond),
			}
			f := d.foreign[r.GTRID]
			switch {
			case f == nil || f.member.Statement < m.Statement:
				m.Connections = d.parseBranches(r.Branches)
				d.foreign[r.GTRID] = &foreign{member: m, on: []*server{s}}
			case f.member.Statement == m.Statement:
				f.on = append(f.on, s)
				if m.Seen.After(f.member.Seen) {
					f.member.Seen, f.member.Since = m.Seen, m.Since
					f.member.Connections = d.parseBranches(r.Branches)
				}
			}
		}
	}
}

// What a proxy tells the others of itself, in AnnouncedWait.Detects.
const (
	cannotRead = iota
	canRead
	reads
)

// elect decides whether this proxy is the one that reads the lock waits: the one that does so already, or
// else the one with the least name. Were it to change with every wait that begins, the new one would
// always find the cache that the last one's reading has left.
func (d *Detector) elect(scope []*server) {
	role, name := d.role(time.Now()), d.o.Coordinator
	d.reading = role != cannotRead
	for _, s := range scope {
		if time.Since(s.board.answer) > rowExpiry {
			continue // it has not been asked for long
		}
		for i := range s.board.rows {
			r := &s.board.rows[i]
			if r.Coordinator != name && (r.Detects > role || r.Detects == role && r.Coordinator < name) {
				d.reading = false
			}
		}
	}
}

// role is what this proxy does about lock waits.
func (d *Detector) role(now time.Time) int {
	switch {
	case !slices.ContainsFunc(d.servers, func(s *server) bool { return s.sighted(now) }):
		return cannotRead
	case d.reading:
		return reads
	}
	return canRead
}

// withdraw takes back what is told on the boards.
func (d *Detector) withdraw(ctx context.Context) {
	d.each(d.servers, func(s *server) {
		if len(s.told) > 0 {
			if s.board.clock == 0 {
				d.readBoard(ctx, s)
			}
			d.writeBoard(ctx, s, nil)
		}
	})
}

// leave takes back what is told when the proxy ends.
func (d *Detector) leave() {
	if d.idle() {
		return
	}
	d.withdraw(context.Background()) // bounded by Options.Timeout
}

// formatBranches is shard:connection,….
func formatBranches(places []place) string {
	var b strings.Builder
	for i, p := range places {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(p.shard + ":" + strconv.FormatUint(uint64(p.connection.ID), 10))
	}
	return b.String()
}

// parseBranches leaves out what it does not know: another proxy may have more shards.
func (d *Detector) parseBranches(text string) []Connection {
	var list []Connection
	for part := range strings.SplitSeq(text, ",") {
		shard, number, ok := strings.Cut(part, ":")
		id, err := strconv.ParseUint(number, 10, 32)
		if i, known := d.byShard[shard]; ok && known && err == nil {
			list = append(list, Connection{i, uint32(id)})
		}
	}
	return list
}
