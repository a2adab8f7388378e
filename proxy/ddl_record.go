package proxy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"lockstep/protocol"
	"lockstep/proxy/definition"
)

// record writes down on every shard what is going to happen. Where the user may not, it happens without.
func (r *definitionRun) record() error {
	var shards []string
	for _, t := range r.targets {
		shards = append(shards, t.shard.Name())
	}
	ctx, cancel := context.WithTimeout(r.s.ctx, definitionTime)
	defer cancel()
	var written atomic.Int64
	errs := r.each(func(t *definitionTarget) error {
		in := &definition.Intent{
			Coordinator: r.s.p.cfg.Coordinator, Verb: r.st.DDL.Verb, Database: t.state.Database, Received: string(r.rq.sql), Statement: t.text,
			Objects: r.objects, Shards: shards, Before: t.before,
		}
		for _, v := range t.state.Vars {
			in.Session = append(in.Session, definition.Variable(v))
		}
		err := definition.Write(ctx, t.books, r.id, t.conn.ID(), in)
		if err == nil {
			r.hook(stepDefinitionRecorded, int(written.Add(1)))
		}
		return err
	})
	err := errors.Join(errs...)
	if err == nil {
		r.recorded = true
		return nil
	}
	r.remove(r.id)
	for _, err := range errs {
		if err != nil && !definition.Unavailable(err) {
			return fmt.Errorf("nothing was changed: %w", err)
		}
	}
	r.s.p.log.Warn("a definition is changed without a record: if this proxy dies now, nobody is told which shards have it; lockstep init says what is missing",
		"conn", r.s.id, "err", err)
	return nil
}

// remove takes a statement's record away. What stays is found by lockstep schema check.
func (r *definitionRun) remove(id string) {
	ctx, cancel := context.WithTimeout(r.s.p.ctx, definitionTime)
	defer cancel()
	var removed atomic.Int64
	r.each(func(t *definitionTarget) error {
		err := definition.Remove(ctx, t.books, id)
		if err != nil && !definition.Unavailable(err) {
			r.s.p.log.Warn("record of a definition could not be removed", "conn", r.s.id, "shard", t.shard.Name(), "record", id, "err", err)
		}
		if err == nil {
			r.hook(stepDefinitionRemoved, int(removed.Add(1)))
		}
		return err
	})
}

// finish answers, and leaves the record where the shards are not alike now.
func (r *definitionRun) finish() (protocol.OK, error) {
	var done, failed []string
	var first error
	for _, t := range r.targets {
		if t.err == nil {
			done = append(done, t.shard.Name())
			continue
		}
		failed = append(failed, t.shard.Name())
		if first == nil {
			first = t.err
		}
	}
	told := make(chan struct{})
	go func() {
		defer close(told)
		r.s.p.definitionsChanged()
	}()
	defer func() { <-told }()
	if first == nil || r.alike(len(done) > 0) {
		if r.recorded {
			r.remove(r.id)
		}
		if first == nil {
			r.settle()
		}
	}
	switch {
	case first == nil:
		r.s.keepWarnings(r.notes, nil)
		return r.targets[0].ok, nil
	case len(done) == 0 && !r.differs():
		return protocol.OK{}, first
	}
	r.s.p.definitions.failed.Add(1)
	r.s.p.log.Error("definition differs between shards now", "conn", r.s.id, "record", r.id, "done", done, "failed", failed, "err", first)
	se := *toClient(first)
	se.Message = fmt.Sprintf("%s (failed on shard %s, done on %s: repeat the statement when the cause is gone, or run lockstep schema repair)",
		se.Message, strings.Join(failed, ", "), strings.Join(orNone(done), ", "))
	return protocol.OK{}, &se
}

func orNone(list []string) []string {
	if len(list) == 0 {
		return []string{"none for certain"}
	}
	return list
}

// alike looks whether the shards have the same definitions after a failure. some: the statement was done somewhere.
func (r *definitionRun) alike(some bool) bool {
	if len(r.targets) == 1 {
		return true
	}
	ctx, cancel := context.WithTimeout(r.s.p.ctx, definitionTime)
	defer cancel()
	errs := r.each(func(t *definitionTarget) (err error) {
		var said *protocol.ServerError
		if t.err != nil && !errors.As(t.err, &said) {
			return t.err // the server may still be at it
		}
		t.after, err = r.show(ctx, t)
		return err
	})
	if errors.Join(errs...) != nil {
		return false
	}
	changed := false
	for _, t := range r.targets {
		if !slices.Equal(t.after, r.targets[0].after) {
			return false
		}
		changed = changed || !slices.Equal(t.after, t.before)
	}
	return !some || changed // rows that were truncated on some shards do not show
}

// differs says whether a failed statement may have changed something on some of the shards.
func (r *definitionRun) differs() bool {
	for _, t := range r.targets {
		if len(r.targets) > 1 && !slices.Equal(t.after, r.targets[0].after) || t.after == nil && len(r.targets) > 1 {
			return true
		}
	}
	return false
}

// settle removes the records of earlier tries, from the shards that were left out this time too.
func (r *definitionRun) settle() {
	if len(r.settles) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(r.s.p.ctx, definitionTime)
	defer cancel()
	for _, id := range r.settles {
		for _, books := range r.s.p.idShards {
			if err := definition.Remove(ctx, books, id); err != nil && !definition.Unavailable(err) {
				r.s.p.log.Warn("record of an earlier definition could not be removed", "conn", r.s.id, "shard", books.Name(), "record", id, "err", err)
			}
		}
	}
}
