package backend

import (
	"encoding/hex"
	"fmt"
	"strconv"
)

// formatID marks the XIDs of this software ("LKSP").
const formatID = 1280004944

// maxXIDPart is the longest gtrid, and the longest bqual, in bytes (X/Open XA).
const maxXIDPart = 64

// XID of a prepared branch.
type XID struct {
	FormatID     int64
	GTRID, BQUAL string // raw bytes
}

// SQL is the XID as XA statements take it, safe for any bytes and any sql_mode.
func (x XID) SQL() string {
	b := make([]byte, 0, 2*(len(x.GTRID)+len(x.BQUAL))+24)
	b = append(b, "X'"...)
	b = hex.AppendEncode(b, []byte(x.GTRID))
	b = append(b, "',X'"...)
	b = hex.AppendEncode(b, []byte(x.BQUAL))
	b = append(b, "',"...)
	return string(strconv.AppendInt(b, x.FormatID, 10))
}

// String is for people: the bytes as they are where they can be printed.
func (x XID) String() string {
	if x.FormatID == formatID {
		return fmt.Sprintf("%q,%q", x.GTRID, x.BQUAL)
	}
	return fmt.Sprintf("%q,%q,%d", x.GTRID, x.BQUAL, x.FormatID)
}

func (x XID) check() error {
	if x.GTRID == "" || len(x.GTRID) > maxXIDPart || len(x.BQUAL) > maxXIDPart {
		return fmt.Errorf("gtrid of %d and bqual of %d bytes: must be 1 to %d and 0 to %d", len(x.GTRID), len(x.BQUAL), maxXIDPart, maxXIDPart)
	}
	if x.FormatID < 0 || x.FormatID > 1<<31-1 {
		return fmt.Errorf("format id %d is outside of 0 to %d", x.FormatID, int64(1<<31-1))
	}
	return nil
}
