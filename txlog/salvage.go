package txlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// Remains is what is left of a damaged log. Every record in it passed its own checksum.
type Remains struct {
	Path      string
	Damage    error // why the log is refused; nil: it is whole
	Identity  Identity
	Epochs    []string
	Decisions []Decision // in key order
	Audit     []AuditEntry
	Meta      [2]string // of each meta page: "" if it is whole, or what is wrong with it
	Lost      []string  // what could not be read, at most mostLost lines
	Contested []string  // transactions with a decision to commit that an operator may have overruled: not among Decisions
}

const mostLost = 100

// Examine reads all that can be read of a log and says what is wrong with it. Nothing is changed.
// Errors: *LockedError, or one of the file itself; damage is none.
func Examine(path string) (r Remains, err error) {
	if _, err := os.Stat(path); err != nil {
		return r, fmt.Errorf("open decision log: %w", err)
	}
	lock, err := takeLock(path, false)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, lock.release()) }()
	return examine(path)
}

func examine(path string) (Remains, error) {
	r := Remains{Path: path}
	c, err := readContents(path)
	var corrupt *CorruptError
	switch {
	case err == nil:
		r.Identity, r.Epochs, r.Audit = c.identity, c.epochs, c.audit
		for _, d := range c.decisions {
			r.Decisions = append(r.Decisions, d)
		}
		r.sort()
		return r, nil
	case !errors.As(err, &corrupt):
		return r, err
	}
	r.Damage = err
	f, err := os.Open(path)
	if err != nil {
		return r, fmt.Errorf("open decision log: %w", err)
	}
	defer f.Close() // read only: nothing can be lost
	info, err := f.Stat()
	if err != nil {
		return r, fmt.Errorf("open decision log: %w", err)
	}
	if !info.Mode().IsRegular() {
		return r, nil
	}
	gather(f, info.Size(), &r)
	return r, nil
}

// SalvageNote is the operator who salvages, and why. Both are kept in the new log.
type SalvageNote struct {
	Time        time.Time
	Who, Reason string
}

// Salvage writes what is left of the damaged log at from into a new log at to, which must not exist. The old one
// stays as it is. The new log has the decisions and no epoch: what is prepared and has no decision in it may have had
// one that is lost, so the resolver must not presume that it aborts but leaves it to the operator. Errors: a log that is
// whole, or of which not even the owner can be read, is refused; *LockedError.
func Salvage(from, to string, note SalvageNote) (r Remains, err error) {
	if _, err := os.Stat(from); err != nil {
		return r, fmt.Errorf("salvage decision log: %w", err)
	}
	lock, err := takeLock(from, true)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, lock.release()) }()
	if r, err = examine(from); err != nil {
		return r, err
	}
	switch _, serr := os.Lstat(to); {
	case r.Damage == nil:
		return r, fmt.Errorf("salvage decision log %s: it is whole, use it as it is", from)
	case r.Identity.Cluster == "" || r.Identity.Coordinator == "":
		return r, fmt.Errorf("salvage decision log %s: not even its owner can be read: %w", from, r.Damage)
	case serr == nil:
		return r, fmt.Errorf("salvage decision log to %s: %w", to, fs.ErrExist)
	case !errors.Is(serr, fs.ErrNotExist):
		return r, fmt.Errorf("salvage decision log to %s: %w", to, serr)
	}
	return r, writeSalvaged(to, &r, note)
}

func writeSalvaged(to string, r *Remains, note SalvageNote) (err error) {
	lock, err := takeLock(to, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.release()) }()
	c := &contents{identity: r.Identity, decisions: map[string]Decision{}, audit: r.Audit}
	for _, d := range r.Decisions {
		c.decisions[d.GTRID] = d
	}
	reason := fmt.Sprintf("log salvaged from %s with %d decisions, without its epochs: %s", r.Path, len(r.Decisions), note.Reason)
	c.audit = append(c.audit, AuditEntry{Time: note.Time.UTC(), Who: note.Who, Reason: reason})
	s, _, err := rewrite(to, c)
	if err != nil {
		return err
	}
	if err := s.close(); err != nil {
		return fmt.Errorf("close salvaged decision log: %w", err)
	}
	if _, err := readContents(to); err != nil {
		return fmt.Errorf("read salvaged decision log back: %w", err)
	}
	return nil
}

func (r *Remains) lose(format string, args ...any) {
	if line := fmt.Sprintf(format, args...); len(r.Lost) < mostLost && !slices.Contains(r.Lost, line) {
		r.Lost = append(r.Lost, line)
	}
}

func (r *Remains) sort() {
	slices.SortFunc(r.Decisions, func(a, b Decision) int { return strings.Compare(a.GTRID, b.GTRID) })
}
