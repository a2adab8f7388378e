package backend

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"lockstep/protocol"
)

// PreparedXIDs lists all prepared branches of the server (XA RECOVER), those of
// live sessions and of strangers included, and those that were settled beside hidden ones (HiddenError).
func (s *Shard) PreparedXIDs(ctx context.Context) ([]XID, error) {
	var xids []XID
	err := s.onSide(ctx, func(ctx context.Context, c *Conn) (err error) {
		xids, err = c.recover(ctx)
		return err
	})
	if err == nil {
		xids, err = s.withDoubtful(xids)
	}
	if err = s.verdict(VerbRecover, XID{}, err); err != nil {
		return nil, fmt.Errorf("listing prepared branches: %w", err)
	}
	return xids, nil
}

// recover reads XA RECOVER: formatID, gtrid_length, bqual_length, data. MariaDB
// sends the data raw, with the binary character set; MySQL sends them as text unless asked for hex.
func (c *Conn) recover(ctx context.Context) ([]XID, error) {
	sql := "XA RECOVER"
	if c.flavor == MySQL {
		sql += " CONVERT XID"
	}
	var xids []XID
	limit := c.shard.o.MaxPrepared
	_, err := c.each(ctx, sql, func(row []protocol.Field) error {
		if len(xids) >= limit {
			return &TooManyRowsError{limit}
		}
		x, err := parseXID(row, c.flavor)
		if err != nil {
			return fmt.Errorf("reading XA RECOVER: %w", err)
		}
		xids = append(xids, x)
		return nil
	})
	return xids, err
}

func parseXID(row []protocol.Field, f Flavor) (XID, error) {
	if len(row) != 4 {
		return XID{}, fmt.Errorf("row of %d columns", len(row))
	}
	format, err := strconv.ParseInt(string(row[0]), 10, 64)
	if err != nil {
		return XID{}, err
	}
	g, err := strconv.Atoi(string(row[1]))
	if err != nil {
		return XID{}, err
	}
	b, err := strconv.Atoi(string(row[2]))
	if err != nil {
		return XID{}, err
	}
	data := string(row[3])
	if h, ok := strings.CutPrefix(data, "0x"); ok && f == MySQL {
		raw, err := hex.DecodeString(h)
		if err != nil {
			return XID{}, err
		}
		data = string(raw)
	}
	if g < 0 || b < 0 || g+b != len(data) {
		return XID{}, fmt.Errorf("gtrid of %d and bqual of %d bytes in %d bytes of data", g, b, len(data))
	}
	return XID{FormatID: format, GTRID: data[:g], BQUAL: data[g:]}, nil
}
