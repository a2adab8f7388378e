package txlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"time"

	bolt "go.etcd.io/bbolt"
)

// recordsPerTransaction bounds the memory that writing a large log anew takes.
const recordsPerTransaction = 20_000

// store is the open bbolt file with what a failure's inquest needs.
type store struct {
	db       *bolt.DB
	file     *os.File // bbolt's own
	readback *os.File // the same file, to read it back whatever happened to bbolt's descriptor
	record   *commitRecorder
}

func (s *store) close() error { return errors.Join(s.db.Close(), s.readback.Close()) }

// rewrite makes a fresh file of c, syncs it, and puts it in the place of path.
// Before the rename nothing at path has changed.
func rewrite(path string, c *contents) (*store, summary, error) {
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, summary{}, fmt.Errorf("remove unfinished decision log: %w", err)
	}
	s, err := openStore(fresh)
	if err != nil {
		return nil, summary{}, err
	}
	sum, err := s.fill(c)
	if err == nil {
		err = s.check()
	}
	if err == nil {
		if serr := s.file.Sync(); serr != nil {
			err = fmt.Errorf("sync fresh decision log: %w", serr)
		}
	}
	if err == nil {
		err = replace(fresh, path)
	}
	if err != nil {
		return nil, summary{}, errors.Join(err, s.close())
	}
	s.db.NoSync = false
	return s, sum, nil
}

// openStore opens a new bbolt file that does not sync yet.
func openStore(path string) (*store, error) {
	s := &store{record: &commitRecorder{}}
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout:         time.Nanosecond, // do not wait for bbolt's own lock
		FreelistType:    bolt.FreelistMapType,
		NoSync:          true, // until the file is in its place
		NoStatistics:    true,
		InitialMmapSize: 1 << 20,
		Logger:          s.record,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(name, flag, mode)
			s.file = f
			return f, err
		},
	})
	if err != nil {
		return nil, fmt.Errorf("create decision log: %w", err)
	}
	s.db = db
	if s.readback, err = os.Open(path); err != nil {
		return nil, errors.Join(fmt.Errorf("create decision log: %w", err), db.Close())
	}
	return s, nil
}

// fill writes all of c.
func (s *store) fill(c *contents) (summary, error) {
	var sum summary
	type row struct {
		bucket, key string
		value       []byte
	}
	var rows []row
	add := func(bucket, key string, value []byte) {
		rows = append(rows, row{bucket, key, value})
		sum.add(bucket, key, value)
	}
	flush := func() error {
		defer func() { rows = rows[:0] }()
		return s.update(func(tx *bolt.Tx) error {
			for _, r := range rows {
				if err := tx.Bucket([]byte(r.bucket)).Put([]byte(r.key), r.value); err != nil {
					return err
				}
			}
			return tx.Bucket([]byte(bucketSummary)).Put([]byte(summaryKey), sum.encode(tx.ID()))
		})
	}
	err := s.update(func(tx *bolt.Tx) error {
		for _, b := range []string{bucketMeta, bucketDecisions, bucketAudit, bucketSummary} {
			if _, err := tx.CreateBucketIfNotExists([]byte(b)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return sum, err
	}
	meta := func(key, value string) { add(bucketMeta, key, seal(bucketMeta, key, []byte(value))) }
	meta("format", fmt.Sprint(formatVersion))
	meta("cluster", c.identity.Cluster)
	meta("coordinator", c.identity.Coordinator)
	for i, e := range c.epochs {
		meta(epochKey(i+1), e)
	}
	for i, e := range c.audit {
		key := auditKey(i + 1)
		add(bucketAudit, key, encodeAudit(key, e))
	}
	gtrids := make([]string, 0, len(c.decisions))
	for g := range c.decisions {
		gtrids = append(gtrids, g)
	}
	sort.Strings(gtrids)
	for _, g := range gtrids {
		add(bucketDecisions, g, encodeDecision(c.decisions[g]))
		if len(rows) >= recordsPerTransaction {
			if err := flush(); err != nil {
				return sum, err
			}
		}
	}
	return sum, flush()
}

func (s *store) update(change func(*bolt.Tx) error) error {
	if err := s.db.Update(change); err != nil {
		return fmt.Errorf("write fresh decision log: %w", err)
	}
	return nil
}

// check runs bbolt's own consistency check over the fresh file.
func (s *store) check() error {
	return s.db.View(func(tx *bolt.Tx) error {
		var first error
		for err := range tx.Check() { // to the end: the checker blocks otherwise
			if first == nil {
				first = fmt.Errorf("check fresh decision log: %w", err)
			}
		}
		return first
	})
}

// replace renames and syncs the directory, so that the new name survives power loss.
func replace(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("put fresh decision log in place: %w", err)
	}
	d, err := os.Open(filepath.Dir(to))
	if err != nil {
		return fmt.Errorf("sync directory of decision log: %w", err)
	}
	if err := d.Sync(); err != nil {
		return errors.Join(fmt.Errorf("sync directory of decision log: %w", err), d.Close())
	}
	if err := d.Close(); err != nil {
		return fmt.Errorf("sync directory of decision log: %w", err)
	}
	return nil
}
