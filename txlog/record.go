package txlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/crc64"
	"time"
)

// Names of the buckets.
const (
	bucketMeta      = "meta"
	bucketDecisions = "decisions"
	bucketAudit     = "audit"
	bucketSummary   = "summary"
)

const formatVersion = 1

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	ecma       = crc64.MakeTable(crc64.ECMA)
)

// seal appends the checksum of bucket, key and body.
func seal(bucket, key string, body []byte) []byte {
	return binary.BigEndian.AppendUint32(body, checksum(bucket, key, body))
}

// unseal checks the checksum and returns the body, which aliases value.
func unseal(bucket, key string, value []byte) ([]byte, error) {
	if len(value) < 4 {
		return nil, errors.New("record is too short for its checksum")
	}
	body, sum := value[:len(value)-4], binary.BigEndian.Uint32(value[len(value)-4:])
	if checksum(bucket, key, body) != sum {
		return nil, errors.New("checksum does not match")
	}
	return body, nil
}

func checksum(bucket, key string, body []byte) uint32 {
	c := crc32.Update(0, castagnoli, []byte(bucket+"\x00"+key+"\x00"))
	return crc32.Update(c, castagnoli, body)
}

// summary counts and sums all records outside its own bucket. A page that
// lost or regained a whole valid record shows here.
type summary struct {
	records uint64
	sum     uint64 // of fingerprints, modulo 2^64
}

func fingerprint(bucket, key string, value []byte) uint64 {
	c := crc64.Update(0, ecma, []byte(bucket+"\x00"+key+"\x00"))
	return crc64.Update(c, ecma, value)
}

func (s *summary) add(bucket, key string, value []byte) {
	s.records++
	s.sum += fingerprint(bucket, key, value)
}

func (s *summary) remove(bucket, key string, value []byte) {
	s.records--
	s.sum -= fingerprint(bucket, key, value)
}

const summaryKey = "all"

// encode names the bbolt transaction that writes the summary. Its meta page names it too: a disk that
// took the meta page and dropped all pages that it points to leaves a whole older state there,
// since bbolt uses pages again, and only this number tells.
func (s summary) encode(txid int) []byte {
	b := binary.BigEndian.AppendUint64(nil, s.records)
	b = binary.BigEndian.AppendUint64(b, s.sum)
	return seal(bucketSummary, summaryKey, binary.BigEndian.AppendUint64(b, uint64(txid)))
}

// decodeSummary answers no txid for a summary of 16 bytes, which has none: earlier versions wrote it so.
func decodeSummary(value []byte) (s summary, txid uint64, err error) {
	body, err := unseal(bucketSummary, summaryKey, value)
	if err != nil {
		return s, 0, err
	}
	switch len(body) {
	case 16:
	case 24:
		txid = binary.BigEndian.Uint64(body[16:])
	default:
		return s, 0, errors.New("summary has a wrong length")
	}
	return summary{binary.BigEndian.Uint64(body), binary.BigEndian.Uint64(body[8:])}, txid, nil
}

func encodeDecision(d Decision) []byte {
	b := []byte{byte(d.Verdict)}
	b = appendString(b, d.Mode)
	b = binary.BigEndian.AppendUint64(b, uint64(d.Time.UnixNano()))
	b = appendString(b, d.Token)
	b = binary.BigEndian.AppendUint16(b, uint16(len(d.Participants)))
	for _, p := range d.Participants {
		b = appendString(b, p)
	}
	return seal(bucketDecisions, d.GTRID, b)
}

func decodeDecision(gtrid string, value []byte) (Decision, error) {
	body, err := unseal(bucketDecisions, gtrid, value)
	if err != nil {
		return Decision{}, err
	}
	r := fields{rest: body}
	d := Decision{GTRID: gtrid}
	d.Verdict = Verdict(r.byte())
	d.Mode = r.string()
	d.Time = r.time()
	d.Token = r.string()
	n := r.uint16()
	for range n {
		if r.short {
			break
		}
		d.Participants = append(d.Participants, r.string())
	}
	if err := r.end(); err != nil {
		return Decision{}, err
	}
	if d.Verdict != Commit && d.Verdict != Rollback {
		return Decision{}, fmt.Errorf("verdict %d is unknown", d.Verdict)
	}
	return d, nil
}

func encodeAudit(key string, e AuditEntry) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(e.Time.UnixNano()))
	b = appendString(b, e.GTRID)
	b = append(b, byte(e.Verdict))
	b = appendString(b, e.Who)
	return seal(bucketAudit, key, appendString(b, e.Reason))
}

func decodeAudit(key string, value []byte) (AuditEntry, error) {
	body, err := unseal(bucketAudit, key, value)
	if err != nil {
		return AuditEntry{}, err
	}
	r := fields{rest: body}
	var e AuditEntry
	e.Time = r.time()
	e.GTRID = r.string()
	e.Verdict = Verdict(r.byte())
	e.Who = r.string()
	e.Reason = r.string()
	return e, r.end()
}

func appendString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
	return append(b, s...)
}

// fields reads a record's body; short is set when it ends too early.
type fields struct {
	rest  []byte
	short bool
}

func (r *fields) take(n int) []byte {
	if r.short || len(r.rest) < n {
		r.short = true
		return make([]byte, n)
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *fields) byte() byte     { return r.take(1)[0] }
func (r *fields) uint16() uint16 { return binary.BigEndian.Uint16(r.take(2)) }
func (r *fields) string() string { return string(r.take(int(r.uint16()))) }
func (r *fields) time() time.Time {
	return time.Unix(0, int64(binary.BigEndian.Uint64(r.take(8)))).UTC()
}

func (r *fields) end() error {
	if r.short || len(r.rest) != 0 {
		return errors.New("record has a wrong length")
	}
	return nil
}
