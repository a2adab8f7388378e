package proxy

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lockstep/protocol"
	"lockstep/sharding"
)

const (
	loadChunk = 64 << 10  // bytes that go to a shard in one packet
	loadQueue = 4         // chunks that wait for one shard; then the client waits
	loadAhead = 256 << 10 // bytes that are read before any shard is asked: a small file is sent to those that it has lines for
)

// fileLoad is one client's file on its way to several shards, or to one whose lines are looked at. The session's goroutine
// reads the client and deals the lines; each shard has a goroutine that sends it what it gets, so that one that is
// slow holds up the client only once its queue is full.
type fileLoad struct {
	s       *session
	rq      *request
	limit   time.Duration // between two packets of the client
	file    *sharding.Load
	targets []sharding.Target // all that could get lines
	chunks  [][]byte          // by target: what is collected
	pending [][][]byte        // by target: what waits for the start
	ahead   int               // bytes that were dealt before the start

	started bool
	parts   []part
	streams []*loadStream // by target; nil: it takes no part
	failed  atomic.Bool   // nothing more is sent: all will be taken back
	last    int           // target of the last line; -1: none yet
	pool    sync.Pool
}

// loadStream is what one shard gets.
type loadStream struct {
	part  *part
	queue chan []byte
	done  chan struct{}
	ok    protocol.OK
}

// runLoad deals a client's file to its shards, inside the open transaction: all of it, or none. With
// savepoint the transaction goes back to where it was when something fails.
func (s *session) runLoad(rq *request, savepoint bool, limit time.Duration) (protocol.OK, error) {
	n := len(s.plan.Targets)
	f := &fileLoad{s: s, rq: rq, limit: limit, file: s.plan.Load, targets: slices.Clone(s.plan.Targets), chunks: make([][]byte, n), pending: make([][][]byte, n),
		streams: make([]*loadStream, n), last: -1}
	f.pool.New = func() any { return make([]byte, 0, loadChunk+loadChunk/4) }
	var cause error
	if f.file.Lines == nil {
		cause = f.start(savepoint, n)
	}
	var broken error
	if cause == nil && !f.failed.Load() {
		if broken = s.askForFile(f.file.File); broken == nil {
			cause, broken = f.deal(savepoint)
		}
	}
	return f.end(savepoint, cause, broken)
}

// deal reads the file to its end. cause is why none of it shall stay; broken ends the session.
func (f *fileLoad) deal(savepoint bool) (cause, broken error) {
	for {
		p, err := f.s.readFile(f.limit)
		if err != nil {
			f.failed.Store(true)
			return cause, err
		}
		last := len(p) == 0
		if cause == nil && !f.failed.Load() {
			cause = f.take(p, last)
			if cause == nil && !f.started && (last || f.ahead > loadAhead) {
				which := len(f.targets)
				if last {
					which = 0
				}
				cause = f.start(savepoint, which)
			}
			if cause != nil {
				f.failed.Store(true)
			}
		}
		if last {
			return cause, nil
		}
	}
}

// take deals a piece of the file.
func (f *fileLoad) take(piece []byte, last bool) error {
	lines := f.file.Lines
	if lines == nil {
		if len(piece) > 0 {
			f.add(-1, piece)
		}
		return nil
	}
	lines.Feed(piece)
	if last {
		lines.End()
	}
	count := 0
	for {
		target, line, ok, err := lines.Next()
		if err != nil || !ok {
			f.s.p.metrics.loadLines.Add(float64(count))
			return err
		}
		count++
		f.add(target, line)
	}
}

// add puts a line among those of a target, or of all (-1).
func (f *fileLoad) add(target int, line []byte) {
	at := max(target, 0)
	f.last = at
	if f.chunks[at] == nil {
		f.chunks[at] = f.pool.Get().([]byte)[:0]
	}
	f.chunks[at] = append(f.chunks[at], line...)
	if !f.started {
		f.ahead += len(line)
	}
	if len(f.chunks[at]) >= loadChunk {
		f.push(at)
	}
}

// push hands a target's chunk over. It waits while the shard's queue is full.
func (f *fileLoad) push(at int) {
	chunk := f.chunks[at]
	f.chunks[at] = nil
	if len(chunk) == 0 {
		return
	}
	if !f.started {
		f.pending[at] = append(f.pending[at], chunk)
		return
	}
	if !f.file.Copies {
		f.streams[at].queue <- chunk
		return
	}
	for _, stream := range f.streams { // shared, and only read
		stream.queue <- chunk
	}
}

// start sends the statement to the first n targets, or with 0 to those that have lines (to one where none has), and
// begins to send them theirs. The error is one after which no shard waits for anything.
func (f *fileLoad) start(savepoint bool, n int) error {
	s := f.s
	var chosen []int
	for i := range f.targets {
		if i < n || f.file.Copies || len(f.pending[i]) > 0 || len(f.chunks[i]) > 0 {
			chosen = append(chosen, i)
		}
	}
	if len(chosen) == 0 {
		chosen = []int{0}
	}
	s.plan.Targets = s.plan.Targets[:0]
	for _, i := range chosen {
		s.plan.Targets = append(s.plan.Targets, f.targets[i])
	}
	parts, err := s.sendParts(f.rq, savepoint)
	if err != nil {
		return err
	}
	f.parts, f.started = parts, true
	for k, i := range chosen {
		p := &parts[k]
		if b := p.lease.branch; b != nil && len(f.file.Variables) > 0 {
			b.called = true // its user variables are not what the session thinks
		}
		if p.err == nil {
			p.err = protocol.ReadFileRequest(p.lease.conn.Wire())
		}
		if p.err != nil {
			f.failed.Store(true)
		}
		f.streams[i] = &loadStream{part: p, queue: make(chan []byte, loadQueue), done: make(chan struct{})}
		go f.send(f.streams[i])
	}
	for i, list := range f.pending {
		for _, chunk := range list {
			f.chunks[i], chunk = chunk, f.chunks[i]
			f.push(i)
			f.chunks[i] = chunk
		}
		f.pending[i] = nil
	}
	return nil
}

// send is a stream's goroutine: it sends chunks until there are no more, then the file's end, and reads the
// answer. After a failure, its own or another's, it only takes what comes.
func (f *fileLoad) send(stream *loadStream) {
	defer close(stream.done)
	p := stream.part
	for chunk := range stream.queue {
		if p.err == nil && !f.failed.Load() {
			if p.err = p.lease.conn.Wire().WritePacket(chunk); p.err != nil {
				f.failed.Store(true)
			}
		}
		if !f.file.Copies {
			f.pool.Put(chunk[:0]) //nolint:staticcheck // a slice header is small beside what it saves
		}
	}
	if p.err != nil {
		return
	}
	if p.err = p.lease.conn.Wire().WritePacket(nil); p.err == nil {
		p.err = p.lease.conn.Wire().Flush()
	}
	if p.err == nil {
		stream.ok, _, p.err = readWriteOK(p, nil)
	}
	if p.err != nil {
		f.failed.Store(true)
	}
}

// end waits for every shard's answer and makes one of them; or takes all back.
func (f *fileLoad) end(savepoint bool, cause, broken error) (protocol.OK, error) {
	s := f.s
	if f.started {
		for i := range f.chunks {
			if f.streams[i] != nil && !f.failed.Load() {
				f.push(i)
			}
		}
	}
	var oks []protocol.OK
	for i, stream := range f.streams {
		if stream == nil {
			continue
		}
		close(stream.queue)
		<-stream.done
		oks = append(oks, stream.ok)
		if i == f.last {
			f.last = len(oks) - 1 // among the parts now
		}
	}
	if f.failed.Load() || cause != nil || broken != nil {
		return protocol.OK{}, f.undo(savepoint, cause, broken)
	}
	sum := f.sum(oks)
	if err := s.checkAlive(); err != nil {
		return protocol.OK{}, err // a connection broke while its warnings were read
	}
	if err := f.keepVariables(); err != nil {
		return protocol.OK{}, err
	}
	s.rowCount = int64(sum.AffectedRows)
	if f.file.Lines != nil && f.file.Lines.FirstID() > 0 {
		s.lastInsertID = f.file.Lines.FirstID()
	}
	return sum, nil
}

// undo takes the file back from the shards that have taken their part of it.
func (f *fileLoad) undo(savepoint bool, cause, broken error) error {
	err := f.s.undoWrite(f.parts, savepoint)
	switch {
	case broken != nil:
		return broken
	case cause == nil || f.s.checkAlive() != nil && err != nil:
		return err
	}
	return cause
}

// sum makes one answer of the shards', gathers their warnings and gives the connections back. A warning's number of a row is
// one of its shard's own lines, and it says so; how many there were counts, not how many are kept.
func (f *fileLoad) sum(oks []protocol.OK) protocol.OK {
	s := f.s
	sum, warnings := oks[0], 0
	for i := range oks {
		lease := &f.parts[i].lease
		own := s.plan.SumAffected && len(oks) > 1
		if i > 0 && s.plan.SumAffected {
			sum.AffectedRows += oks[i].AffectedRows
			sum.Info = addInfo(sum.Info, oks[i].Info)
		}
		if n := int(oks[i].Warnings); n > 0 && (s.plan.SumAffected || i == 0) {
			warnings += n
			from := len(s.diag.entries)
			s.fetchWarnings(lease, nil)
			for k := from; own && k < len(s.diag.entries); k++ {
				s.diag.entries[k].text += " of the lines for shard " + s.p.shards[lease.shard].Name()
			}
		}
		s.done(lease)
	}
	sum.Warnings = uint16(min(warnings, 1<<16-1))
	return sum
}

// keepVariables makes the last line's values of user variables the session's, on all connections.
func (f *fileLoad) keepVariables() error {
	if len(f.file.Variables) == 0 || f.last < 0 {
		return nil
	}
	s := f.s
	set := "SET "
	for i, name := range f.file.Variables {
		conn := f.parts[f.last].lease.branch.conn
		value, err := s.p.valueOf(conn.Query(s.ctx, "SELECT @`"+name+"`", 1))
		if err != nil {
			return f.variablesFailed(f.last, err)
		}
		s.vars.set("@"+name, value)
		if i > 0 {
			set += ", "
		}
		set += "@`" + name + "` = " + value
	}
	for i := range f.parts {
		if _, err := f.parts[i].lease.branch.conn.Exec(s.ctx, set); err != nil {
			return f.variablesFailed(i, err)
		}
	}
	return nil
}

// variablesFailed ends the statement where a connection broke, or did not do the proxy's own words: nothing is left of it.
func (f *fileLoad) variablesFailed(i int, err error) error {
	s := f.s
	err = s.verbFailedIn(f.parts[i].lease.branch, err)
	s.doom(err)
	return err
}
