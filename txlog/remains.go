package txlog

import (
	"errors"
	"io"
	"maps"
	"os"
	"slices"
)

// Reading a damaged file. bbolt copies on write and writes its two meta pages in turn, so up to
// two states of the file can be read: the one of each meta page. What a whole meta page leads to is
// read page by page and record by record, leaving out what is damaged. What a damaged meta page leads to counts only if it
// is a whole state: all of it can be read and the records add up.
//
// The states are put together. That is sound, because a decision to commit is never taken back but
// by an operator's forced roll-back, which takes its place: where both are found the roll-back is the
// later one. A record of a transaction that was forgotten since is harmless: it is finished. What can be
// missing are decisions of pages that are damaged and, where the newest state is not readable, those of the last write.

// gather reads all states of the file into r.
func gather(f io.ReaderAt, size int64, r *Remains) {
	found := rescued{r: r, meta: map[string]string{}, epochs: map[string]string{}, audit: map[string]AuditEntry{}, decisions: map[string]Decision{}}
	metas, whole := readMetas(f, size, r)
	order := []int{0, 1}
	if metas[1].txid > metas[0].txid {
		order = []int{1, 0}
	}
	for _, i := range order {
		switch m := metas[i]; {
		case whole[i]:
			found.tree(newLenient(f, m))
		case plausible(m.pageSize) && m.pageSize == metas[1-i].pageSize && m.highWater >= 4 && m.highWater <= uint64(size/m.pageSize):
			found.wholeState(f, m, i)
		}
	}
	found.conclude()
}

// readMetas reads both meta pages; where one is damaged its numbers are what the file shows.
func readMetas(f io.ReaderAt, size int64, r *Remains) (metas [2]metaPage, whole [2]bool) {
	read := func(i int, at int64) {
		var b [pageHeader + metaLength]byte
		if _, err := f.ReadAt(b[:], at); err != nil {
			r.Meta[i] = "is cut off"
			return
		}
		m, err := parseMeta(b[:])
		if err == nil && m.version == boltVersion && plausible(m.pageSize) {
			metas[i], whole[i] = m, true
			return
		}
		if r.Meta[i] = "is of another version or page size"; err != nil {
			r.Meta[i] = err.Error()
		}
		raw := b[pageHeader:]
		metas[i] = metaPage{
			version: native.Uint32(raw[4:]), pageSize: int64(native.Uint32(raw[8:])), root: native.Uint64(raw[16:]),
			freelist: native.Uint64(raw[32:]), highWater: native.Uint64(raw[40:]), txid: native.Uint64(raw[48:]),
		}
	}
	read(0, 0)
	second := metas[0].pageSize
	if !whole[0] || !plausible(second) {
		second = int64(os.Getpagesize())
	}
	read(1, second)
	for i, m := range metas {
		if whole[i] && m.highWater > uint64(size/m.pageSize) {
			r.lose("the file is cut short: %d of %d pages are there", size/m.pageSize, m.highWater)
		}
	}
	return metas, whole
}

func plausible(pageSize int64) bool {
	return pageSize >= smallestPageSize && pageSize <= largestPageSize && pageSize&(pageSize-1) == 0
}

// rescued are records that passed their checksums, by key.
type rescued struct {
	r            *Remains
	meta, epochs map[string]string
	audit        map[string]AuditEntry
	decisions    map[string]Decision
}

// wholeState takes in the state that a damaged meta page leads to, if there is a whole one.
func (g *rescued) wholeState(f io.ReaderAt, m metaPage, i int) {
	pages := newLenient(f, m)
	p := parser{pages: pages, buckets: map[string][]byte{}, c: &contents{decisions: map[string]Decision{}}}
	err := pages.walk(m.root, func(e element) error {
		if !e.bucket {
			return errors.New("a record lies outside of every bucket")
		}
		p.buckets[string(e.key)] = e.value
		return nil
	})
	for _, step := range []func() error{p.meta, p.decisions, p.audit, p.summary} {
		if err == nil {
			err = step()
		}
	}
	if err != nil {
		g.r.lose("the state of meta page %d cannot be read: decisions of the last write may be missing", i)
		return
	}
	g.tree(newLenient(f, m))
}

func newLenient(f io.ReaderAt, m metaPage) *pageFile {
	p := &pageFile{r: f, meta: m, reached: make([]bool, min(m.highWater, maxPages))}
	p.meta.highWater = uint64(len(p.reached))
	p.reached[0], p.reached[1] = true, true
	return p
}

// maxPages bounds the memory for a file whose length is a lie; 64 GiB of small pages.
const maxPages = 1 << 24

// tree takes in all buckets of one state.
func (g *rescued) tree(f *pageFile) {
	buckets := map[string][]byte{}
	g.walk(f, f.meta.root, 0, func(e element) { buckets[string(e.key)] = e.value })
	for _, name := range []string{bucketMeta, bucketDecisions, bucketAudit} {
		header, ok := buckets[name]
		switch {
		case !ok:
			g.r.lose("bucket %s is not there", name)
		case len(header) < bucketHeader:
			g.r.lose("bucket %s has no header", name)
		case native.Uint64(header) != 0:
			g.walk(f, native.Uint64(header), 0, func(e element) { g.record(name, e) })
		default:
			g.leaf(header[bucketHeader:], 0, func(e element) { g.record(name, e) })
		}
	}
}

// record takes in one record if it is whole.
func (g *rescued) record(bucket string, e element) {
	key := string(e.key)
	var err error
	switch bucket {
	case bucketMeta:
		var body []byte
		if body, err = unseal(bucket, key, e.value); err == nil {
			if g.meta[key] = string(body); len(key) > len(epochPrefix) && key[:len(epochPrefix)] == epochPrefix {
				g.epochs[key] = string(body)
			}
		}
	case bucketDecisions:
		var d Decision
		if d, err = decodeDecision(key, e.value); err == nil && g.decisions[key].Verdict != Rollback {
			g.decisions[key] = d
		}
	case bucketAudit:
		var a AuditEntry
		if a, err = decodeAudit(key, e.value); err == nil {
			g.audit[key] = a
		}
	}
	if err != nil {
		g.r.lose("record %q of bucket %s: %v", key, bucket, err)
	}
}

// conclude fills the answer.
func (g *rescued) conclude() {
	g.r.Identity = Identity{Cluster: g.meta["cluster"], Coordinator: g.meta["coordinator"]}
	for _, k := range slices.Sorted(maps.Keys(g.epochs)) {
		g.r.Epochs = append(g.r.Epochs, g.epochs[k])
	}
	overruled := map[string]bool{}
	for _, k := range slices.Sorted(maps.Keys(g.audit)) {
		g.r.Audit = append(g.r.Audit, g.audit[k])
		if g.audit[k].Verdict == Rollback {
			overruled[g.audit[k].GTRID] = true
		}
	}
	for _, d := range g.decisions {
		if d.Verdict == Commit && overruled[d.GTRID] {
			g.r.Contested = append(g.r.Contested, d.GTRID)
			continue
		}
		g.r.Decisions = append(g.r.Decisions, d)
	}
	slices.Sort(g.r.Contested)
	g.r.sort()
}

// walk visits what can be read of a tree.
func (g *rescued) walk(f *pageFile, id uint64, depth int, visit func(element)) {
	if depth > deepest {
		g.r.lose("page %d is deeper than a tree can be", id)
		return
	}
	b, err := f.page(id)
	if err != nil {
		var c *CorruptError
		if errors.As(err, &c) {
			g.r.lose("%s", c.Reason)
		} else {
			g.r.lose("page %d: %v", id, err)
		}
		return
	}
	switch flags := native.Uint16(b[8:]); flags {
	case flagLeaf:
		g.leaf(b, id, visit)
	case flagBranch:
		for i := range int(native.Uint16(b[10:])) {
			at := pageHeader + i*elementLength
			if at+elementLength > len(b) {
				g.r.lose("page %d has more entries than fit", id)
				return
			}
			g.walk(f, native.Uint64(b[at+8:]), depth+1, visit)
		}
	default:
		g.r.lose("page %d has flags %#x, a tree cannot have it", id, flags)
	}
}

func (g *rescued) leaf(b []byte, id uint64, visit func(element)) {
	if len(b) < pageHeader {
		g.r.lose("an inline bucket is cut short")
		return
	}
	for i := range int(native.Uint16(b[10:])) {
		at := pageHeader + i*elementLength
		if at+elementLength > len(b) {
			g.r.lose("page %d has more entries than fit", id)
			return
		}
		flags, pos, ks, vs := native.Uint32(b[at:]), native.Uint32(b[at+4:]), native.Uint32(b[at+8:]), native.Uint32(b[at+12:])
		key, ok1 := span(b, at, pos, ks)
		value, ok2 := span(b, at, pos+ks, vs)
		if !ok1 || !ok2 || pos > pos+ks || ks == 0 {
			g.r.lose("entry %d of page %d lies outside of it", i, id)
			continue
		}
		visit(element{key: key, value: value, bucket: flags == elementIsBucket})
	}
}
