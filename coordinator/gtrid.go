package coordinator

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"strconv"
	"strings"
)

// FormatID is the formatID of all our XIDs ("LKSP").
const FormatID = 1280004944

// xidPartLimit is the length that XA allows for gtrid and bqual, in bytes.
const xidPartLimit = 64

// GTRID is a global transaction id: <cluster>.<coordinator>.<epoch>.<seq>, in ASCII.
type GTRID struct {
	Cluster, Coordinator, Epoch string
	Seq                         uint64
}

func (g GTRID) String() string {
	return g.Cluster + "." + g.Coordinator + "." + g.Epoch + "." + strconv.FormatUint(g.Seq, 10)
}

// ParseGTRID takes a gtrid apart. It accepts exactly what String gives.
func ParseGTRID(s string) (GTRID, error) {
	if len(s) > xidPartLimit {
		return GTRID{}, fmt.Errorf("parse gtrid: %d bytes, at most %d are possible", len(s), xidPartLimit)
	}
	parts := strings.Split(s, ".")
	if len(parts) != 4 {
		return GTRID{}, fmt.Errorf("parse gtrid %q: not of the form cluster.coordinator.epoch.sequence", s)
	}
	for _, p := range parts[:3] {
		if !validName(p) {
			return GTRID{}, fmt.Errorf("parse gtrid %q: %q is not a name", s, p)
		}
	}
	seq, err := strconv.ParseUint(parts[3], 10, 64)
	if err != nil || strconv.FormatUint(seq, 10) != parts[3] {
		return GTRID{}, fmt.Errorf("parse gtrid %q: %q is not a sequence number", s, parts[3])
	}
	return GTRID{parts[0], parts[1], parts[2], seq}, nil
}

// validName: letters, digits, - and _; at least one.
func validName(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return s != ""
}

// NewEpoch draws a random epoch, unique for each start: 60 bits in 12 characters.
func NewEpoch() string {
	var b [8]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))[:12]
}
