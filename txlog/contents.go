package txlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// contents is all that a log holds, read whole and checked.
type contents struct {
	identity  Identity
	epochs    []string // oldest first
	decisions map[string]Decision
	audit     []AuditEntry // oldest first
}

const epochPrefix = "epoch."

func epochKey(n int) string { return fmt.Sprintf("%s%08d", epochPrefix, n) }

func auditKey(n int) string {
	return string(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

// readContents reads and checks the log at path. Errors: *CorruptError,
// *VersionError, or one that matches fs.ErrNotExist.
func readContents(path string) (*contents, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open decision log: %w", err)
	}
	defer f.Close() // read only: nothing can be lost
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("open decision log: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, &CorruptError{Path: path, Reason: "it is not a regular file"}
	}
	c, err := parseContents(f, info.Size())
	var corrupt *CorruptError
	var version *VersionError
	switch {
	case errors.As(err, &corrupt):
		corrupt.Path = path
	case errors.As(err, &version):
		version.Path = path
	}
	return c, err
}

func parseContents(f io.ReaderAt, size int64) (*contents, error) {
	pages, err := openPages(f, size)
	if err != nil {
		return nil, err
	}
	buckets := map[string][]byte{}
	err = pages.walk(pages.meta.root, func(e element) error {
		if !e.bucket {
			return damaged("a record lies outside of every bucket")
		}
		buckets[string(e.key)] = e.value
		return nil
	})
	if err != nil {
		return nil, err
	}
	p := parser{pages: pages, buckets: buckets, c: &contents{decisions: map[string]Decision{}}}
	for _, step := range []func() error{p.meta, p.decisions, p.audit, p.summary, pages.checkFree} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return p.c, nil
}

type parser struct {
	pages   *pageFile
	buckets map[string][]byte
	c       *contents
	sum     summary
}

func (p *parser) each(bucket string, visit func(key string, value []byte) error) error {
	header, ok := p.buckets[bucket]
	if !ok {
		return damaged("bucket %s is missing", bucket)
	}
	return p.pages.bucket(header, func(e element) error {
		if e.bucket {
			return damaged("bucket %s holds another bucket", bucket)
		}
		key := string(e.key)
		if err := visit(key, e.value); err != nil {
			var version *VersionError
			if errors.As(err, &version) {
				return err
			}
			return damaged("record %q of bucket %s: %v", key, bucket, err)
		}
		if bucket != bucketSummary {
			p.sum.add(bucket, key, e.value)
		}
		return nil
	})
}

func (p *parser) meta() error {
	found := map[string]string{}
	err := p.each(bucketMeta, func(key string, value []byte) error {
		body, err := unseal(bucketMeta, key, value)
		if err != nil {
			return err
		}
		if strings.HasPrefix(key, epochPrefix) {
			p.c.epochs = append(p.c.epochs, string(body))
			return nil
		}
		found[key] = string(body)
		return nil
	})
	if err != nil {
		return err
	}
	if have, expect := found["format"], fmt.Sprint(formatVersion); have != expect {
		if have == "" {
			return damaged("it does not say its format")
		}
		return &VersionError{Have: have, Expect: expect}
	}
	p.c.identity = Identity{Cluster: found["cluster"], Coordinator: found["coordinator"]}
	return nil
}

func (p *parser) decisions() error {
	return p.each(bucketDecisions, func(key string, value []byte) error {
		d, err := decodeDecision(key, value)
		p.c.decisions[key] = d
		return err
	})
}

func (p *parser) audit() error {
	return p.each(bucketAudit, func(key string, value []byte) error {
		e, err := decodeAudit(key, value)
		p.c.audit = append(p.c.audit, e)
		return err
	})
}

func (p *parser) summary() error {
	var have *summary
	var txid uint64
	err := p.each(bucketSummary, func(key string, value []byte) error {
		if key != summaryKey {
			return errors.New("it does not belong here")
		}
		s, written, err := decodeSummary(value)
		have, txid = &s, written
		return err
	})
	if err != nil {
		return err
	}
	if have == nil || *have != p.sum {
		return damaged("the records do not add up: some are missing or out of date")
	}
	if txid != 0 && txid != p.pages.meta.txid {
		return damaged("the records are of transaction %d, and the meta page is of %d: the disk lost writes that it had acknowledged", txid, p.pages.meta.txid)
	}
	return nil
}
