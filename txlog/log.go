package txlog

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"sync"
)

// Log is the decision log. Safe for concurrent use.
type Log struct {
	options  Options
	identity Identity
	epochs   []string
	lock     *fileLock
	store    *store // nil: open for reading only

	expected expectation

	queue   chan *request
	stop    chan struct{} // closed by Close
	stopped chan struct{} // closed when the writer has ended
	entry   sync.RWMutex  // held shared while a request enters the queue
	closed  bool          // guarded by entry

	mu        sync.Mutex
	decisions map[string]Decision // what is durable
	audit     []AuditEntry
	forget    map[string]struct{} // to be removed
	unknown   map[string]struct{} // in the batch of an ErrUnknown
	failed    error
	stats     Stats

	// Of the writer's goroutine alone.
	sum    summary
	commit func(tx boltTx) error // replaced in tests
}

// Open takes the file's lock, checks format, identity and every checksum, and
// records the epoch. Errors: *LockedError, *CorruptError, *VersionError,
// *IdentityError, each naming the file and the reason. A log that does not exist is made;
// its directory must exist.
func Open(o Options) (*Log, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	lock, err := takeLock(o.Path, true)
	if err != nil {
		return nil, err
	}
	l, err := openLocked(o)
	if err != nil {
		return nil, errors.Join(err, lock.release())
	}
	l.lock = lock
	go l.write()
	return l, nil
}

func openLocked(o Options) (*Log, error) {
	c, err := readContents(o.Path)
	if errors.Is(err, fs.ErrNotExist) {
		c, err = &contents{identity: o.Identity, decisions: map[string]Decision{}}, nil
	}
	if err != nil {
		return nil, err
	}
	if c.identity != o.Identity {
		return nil, &IdentityError{Path: o.Path, Have: c.identity, Expect: o.Identity}
	}
	if slices.Contains(c.epochs, o.Epoch) {
		return nil, fmt.Errorf("open decision log %s: epoch %q was used by an earlier start", o.Path, o.Epoch)
	}
	// A branch of a dropped epoch is left in doubt for the operator, never guessed.
	c.epochs = append(c.epochs, o.Epoch)
	c.epochs = c.epochs[max(0, len(c.epochs)-o.MaxEpochs):]
	s, sum, err := rewrite(o.Path, c)
	if err != nil {
		return nil, err
	}
	l := newLog(c)
	l.options, l.store, l.sum = o, s, sum
	l.queue = make(chan *request, o.Queue)
	l.expected.changed = make(chan struct{}, 1)
	return l, nil
}

// OpenReadOnly opens for the offline CLI; it takes a shared lock. The file is
// not changed, so after a crash of the machine it may show less or more than the next Open.
// Append answers ErrReadOnly and ErrNotDurable, Forget does nothing.
func OpenReadOnly(path string) (*Log, error) {
	lock, err := takeLock(path, false)
	if err != nil {
		return nil, err
	}
	c, err := readContents(path)
	if err != nil {
		return nil, errors.Join(err, lock.release())
	}
	l := newLog(c)
	l.options.Path, l.lock = path, lock
	return l, nil
}

func newLog(c *contents) *Log {
	return &Log{
		identity: c.identity, epochs: c.epochs, decisions: c.decisions, audit: c.audit,
		forget: map[string]struct{}{}, unknown: map[string]struct{}{},
		stop: make(chan struct{}), stopped: make(chan struct{}),
		commit: func(tx boltTx) error { return tx.Commit() },
	}
}

// Identity says whose log it is.
func (l *Log) Identity() Identity { return l.identity }

// Path of the file.
func (l *Log) Path() string { return l.options.Path }

// Lookup finds a durable decision. An error that matches ErrUnknown: the log failed while the
// decision was written, and only a new start can tell.
func (l *Log) Lookup(gtrid string) (Decision, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.unknown[gtrid]; ok {
		return Decision{}, false, fmt.Errorf("look up %s: %w: %w", gtrid, ErrUnknown, l.failed)
	}
	d, ok := l.decisions[gtrid]
	return d, ok, nil
}

// Decisions calls yield for every durable decision in key order, until it returns
// false. It works on the state at the time of the call.
func (l *Log) Decisions(yield func(Decision) bool) error {
	l.mu.Lock()
	all := make([]Decision, 0, len(l.decisions))
	for _, d := range l.decisions {
		all = append(all, d)
	}
	l.mu.Unlock()
	sort.Slice(all, func(i, j int) bool { return all[i].GTRID < all[j].GTRID })
	for _, d := range all {
		if !yield(d) {
			return nil
		}
	}
	return nil
}

// Epochs that this log has served, oldest first, this one last.
func (l *Log) Epochs() ([]string, error) { return slices.Clone(l.epochs), nil }

// AuditEntries are the forced verdicts, oldest first.
func (l *Log) AuditEntries() ([]AuditEntry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.audit), nil
}

// Failed says why the log stopped, nil while it works.
func (l *Log) Failed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// Close writes what waits, removes what is to be forgotten, and gives up the lock.
// It returns the error of a log that failed. A second Close does nothing.
func (l *Log) Close() error {
	l.entry.Lock()
	if l.closed {
		l.entry.Unlock()
		return nil
	}
	l.closed = true
	close(l.stop)
	l.entry.Unlock()
	if l.store == nil {
		return l.lock.release()
	}
	<-l.stopped
	err := l.Failed()
	if err == nil { // a failed log has closed its file already
		if cerr := l.store.close(); cerr != nil {
			err = fmt.Errorf("close decision log: %w", cerr)
		}
	}
	return errors.Join(err, l.lock.release())
}
