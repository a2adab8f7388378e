package txlog

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
)

// The page format of bbolt, file version 2 (go.etcd.io/bbolt/internal/common:
// meta.go, page.go, bucket.go). Numbers are in the byte order of the machine.
const (
	boltMagic        = 0xED0CDAED
	boltVersion      = 2
	pageHeader       = 16
	metaLength       = 64
	elementLength    = 16
	bucketHeader     = 16
	flagBranch       = 0x01
	flagLeaf         = 0x02
	flagMeta         = 0x04
	flagFreelist     = 0x10
	elementIsBucket  = 0x01
	noFreelist       = ^uint64(0)
	deepest          = 64 // levels of a tree; bbolt's have a handful
	smallestPageSize = 1 << 9
	largestPageSize  = 1 << 16
)

var native = binary.NativeEndian

// metaPage is the root of one state of the file. bbolt writes them in turn, to page txid mod 2.
type metaPage struct {
	version   uint32
	pageSize  int64
	root      uint64
	freelist  uint64
	highWater uint64 // pages in use
	txid      uint64
}

// parseMeta reads the meta page in b, which starts at a page boundary.
func parseMeta(b []byte) (metaPage, error) {
	if len(b) < pageHeader+metaLength {
		return metaPage{}, fmt.Errorf("is cut short")
	}
	id, flags, m := native.Uint64(b), native.Uint16(b[8:]), b[pageHeader:]
	if native.Uint32(m) != boltMagic {
		return metaPage{}, fmt.Errorf("is not one of a bbolt file")
	}
	p := metaPage{
		version: native.Uint32(m[4:]), pageSize: int64(native.Uint32(m[8:])),
		root: native.Uint64(m[16:]), freelist: native.Uint64(m[32:]),
		highWater: native.Uint64(m[40:]), txid: native.Uint64(m[48:]),
	}
	h := fnv.New64a()
	h.Write(m[:56]) // never fails
	if h.Sum64() != native.Uint64(m[56:]) {
		return metaPage{}, fmt.Errorf("has a checksum that does not match")
	}
	if id != p.txid%2 || flags != flagMeta {
		return metaPage{}, fmt.Errorf("has a damaged header")
	}
	return p, nil
}

// pageFile reads a bbolt file page by page and trusts nothing in it.
type pageFile struct {
	r       io.ReaderAt
	meta    metaPage
	reached []bool // by page
}

// openPages checks both meta pages and the length of the file. A file with one
// bad meta page is refused: bbolt would silently go back one transaction.
func openPages(r io.ReaderAt, size int64) (*pageFile, error) {
	var head [pageHeader + metaLength]byte
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return nil, damagedBy(err, "file of %d bytes is cut short", size)
	}
	m0, err := parseMeta(head[:])
	if err != nil {
		return nil, damaged("meta page 0 %v", err)
	}
	if m0.version != boltVersion {
		return nil, &VersionError{Have: fmt.Sprintf("bbolt %d", m0.version), Expect: fmt.Sprintf("bbolt %d", boltVersion)}
	}
	ps := m0.pageSize
	if ps < smallestPageSize || ps > largestPageSize || ps&(ps-1) != 0 {
		return nil, damaged("page size of %d bytes is impossible", ps)
	}
	if _, err := r.ReadAt(head[:], ps); err != nil {
		return nil, damagedBy(err, "file of %d bytes is cut short", size)
	}
	m1, err := parseMeta(head[:])
	if err != nil {
		return nil, damaged("meta page 1 %v", err)
	}
	newest, older := m0, m1
	if m1.txid > m0.txid {
		newest, older = m1, m0
	}
	if newest.txid != older.txid+1 || older.pageSize != ps {
		return nil, damaged("meta pages are of transactions %d and %d, which do not follow each other", older.txid, newest.txid)
	}
	if newest.highWater < 4 || newest.highWater > uint64(size/ps) {
		return nil, damaged("file of %d bytes is cut short: it should hold %d pages of %d bytes", size, newest.highWater, ps)
	}
	f := &pageFile{r: r, meta: newest, reached: make([]bool, newest.highWater)}
	f.reached[0], f.reached[1] = true, true
	return f, nil
}

// element is one entry of a leaf. Key and value alias the page's buffer.
type element struct {
	key, value []byte
	bucket     bool
}

// page reads one page with its overflow and claims them.
func (f *pageFile) page(id uint64) ([]byte, error) {
	if id < 2 || id >= f.meta.highWater {
		return nil, damaged("page %d is outside of the file", id)
	}
	var head [pageHeader]byte
	if _, err := f.r.ReadAt(head[:], int64(id)*f.meta.pageSize); err != nil {
		return nil, damagedBy(err, "page %d cannot be read", id)
	}
	n := uint64(native.Uint32(head[12:])) + 1
	if native.Uint64(head[:]) != id || n > f.meta.highWater-id {
		return nil, damaged("page %d has a damaged header", id)
	}
	for i := id; i < id+n; i++ {
		if f.reached[i] {
			return nil, damaged("page %d is referred to twice", i)
		}
		f.reached[i] = true
	}
	b := make([]byte, int64(n)*f.meta.pageSize)
	if _, err := f.r.ReadAt(b, int64(id)*f.meta.pageSize); err != nil {
		return nil, damagedBy(err, "page %d cannot be read", id)
	}
	return b, nil
}

// walk calls visit for each entry of the tree at page root, in key order.
func (f *pageFile) walk(root uint64, visit func(element) error) error {
	w := treeWalk{f: f, visit: visit}
	return w.down(root, 0)
}

type treeWalk struct {
	f     *pageFile
	visit func(element) error
	last  []byte // key before, to check the order
	any   bool
}

func (w *treeWalk) down(id uint64, depth int) error {
	if depth > deepest {
		return damaged("page %d is deeper than a tree can be", id)
	}
	b, err := w.f.page(id)
	if err != nil {
		return err
	}
	switch flags := native.Uint16(b[8:]); flags {
	case flagLeaf:
		return w.leaf(b, id)
	case flagBranch:
		count := int(native.Uint16(b[10:]))
		if count == 0 {
			return damaged("branch page %d is empty", id)
		}
		for i := range count {
			at := pageHeader + i*elementLength
			if at+elementLength > len(b) {
				return damaged("page %d has more entries than fit", id)
			}
			key, ok := span(b, at, native.Uint32(b[at:]), native.Uint32(b[at+4:]))
			if !ok {
				return damaged("entry %d of page %d lies outside of it", i, id)
			}
			if w.any && bytes.Compare(key, w.last) <= 0 {
				return damaged("entry %d of page %d is out of order", i, id)
			}
			if err := w.down(native.Uint64(b[at+8:]), depth+1); err != nil {
				return err
			}
		}
		return nil
	default:
		return damaged("page %d has flags %#x, a tree cannot have it", id, flags)
	}
}

func (w *treeWalk) leaf(b []byte, id uint64) error {
	for i := range int(native.Uint16(b[10:])) {
		at := pageHeader + i*elementLength
		if at+elementLength > len(b) {
			return damaged("page %d has more entries than fit", id)
		}
		flags, pos, ks, vs := native.Uint32(b[at:]), native.Uint32(b[at+4:]), native.Uint32(b[at+8:]), native.Uint32(b[at+12:])
		key, ok1 := span(b, at, pos, ks)
		value, ok2 := span(b, at, pos+ks, vs)
		if !ok1 || !ok2 || pos > pos+ks || flags > elementIsBucket || ks == 0 {
			return damaged("entry %d of page %d lies outside of it", i, id)
		}
		if w.any && bytes.Compare(key, w.last) <= 0 {
			return damaged("entry %d of page %d is out of order", i, id)
		}
		w.last, w.any = key, true
		if err := w.visit(element{key: key, value: value, bucket: flags == elementIsBucket}); err != nil {
			return err
		}
	}
	return nil
}

// bucket calls visit for each entry of the bucket whose header is value.
func (f *pageFile) bucket(value []byte, visit func(element) error) error {
	if len(value) < bucketHeader {
		return damaged("a bucket's header is cut short")
	}
	if root := native.Uint64(value); root != 0 {
		return f.walk(root, visit)
	}
	inline := value[bucketHeader:] // a small bucket is a leaf page inside its parent's value
	if len(inline) < pageHeader || native.Uint16(inline[8:]) != flagLeaf {
		return damaged("an inline bucket is not a leaf")
	}
	w := treeWalk{f: f, visit: visit}
	return w.leaf(inline, 0)
}

// checkFree checks that every page is either reached or free, and none both.
func (f *pageFile) checkFree() error {
	if f.meta.freelist != noFreelist {
		b, err := f.page(f.meta.freelist)
		if err != nil {
			return err
		}
		if native.Uint16(b[8:]) != flagFreelist {
			return damaged("page %d should be the list of free pages", f.meta.freelist)
		}
		count, at := uint64(native.Uint16(b[10:])), pageHeader
		if count == 0xFFFF { // bbolt: past 64k entries the first holds the count
			count, at = native.Uint64(b[at:]), at+8
		}
		if count > uint64(len(b)-at)/8 {
			return damaged("the list of free pages is cut short")
		}
		for i := range int(count) {
			id := native.Uint64(b[at+8*i:])
			if id < 2 || id >= f.meta.highWater || f.reached[id] {
				return damaged("page %d is free and in use, or outside of the file", id)
			}
			f.reached[id] = true
		}
	}
	for id, ok := range f.reached {
		if !ok && f.meta.freelist != noFreelist {
			return damaged("page %d is neither in use nor free", id)
		}
	}
	return nil
}

// span returns b[at+pos:][:n] if it lies inside b.
func span(b []byte, at int, pos, n uint32) ([]byte, bool) {
	from := uint64(at) + uint64(pos)
	if from+uint64(n) > uint64(len(b)) {
		return nil, false
	}
	return b[from : from+uint64(n)], true
}

func damaged(format string, args ...any) error {
	return &CorruptError{Reason: fmt.Sprintf(format, args...)}
}

func damagedBy(err error, format string, args ...any) error {
	return &CorruptError{Reason: fmt.Sprintf(format, args...), Err: err}
}
