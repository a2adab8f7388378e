package wireclient

import "fmt"

// Status flags.
const (
	StatusInTrans         = 0x0001
	StatusAutocommit      = 0x0002
	StatusMoreResults     = 0x0008
	StatusNoGoodIndexUsed = 0x0010
	StatusNoIndexUsed     = 0x0020
	StatusCursorExists    = 0x0040
	StatusLastRowSent     = 0x0080
	StatusQueryWasSlow    = 0x0800
	StatusPSOutParams     = 0x1000
)

// howItRan are flags that tell how a server ran a statement, not what its outcome is.
const howItRan = StatusNoGoodIndexUsed | StatusNoIndexUsed | StatusQueryWasSlow

// OK is an OK packet.
type OK struct {
	Affected, InsertID uint64
	Status, Warnings   uint16
	Info               string
}

func (o *OK) String() string {
	return fmt.Sprintf("OK affected=%d id=%d status=%#x warnings=%d info=%q", o.Affected, o.InsertID, o.Status&^howItRan, o.Warnings, o.Info)
}

// EOF is what ends column definitions or rows.
type EOF struct{ Status, Warnings uint16 }

func (e *EOF) String() string {
	return fmt.Sprintf("EOF status=%#x warnings=%d", e.Status&^howItRan, e.Warnings)
}

// Err is an ERR packet.
type Err struct {
	Code    uint16
	State   string
	Message string
}

// Error gives the message in the form of the mariadb client.
func (e *Err) Error() string { return fmt.Sprintf("ERROR %d (%s): %s", e.Code, e.State, e.Message) }

func (e *Err) String() string { return fmt.Sprintf("ERR %d %s", e.Code, e.State) }

// Prepared is the head of an answer to COM_STMT_PREPARE.
type Prepared struct {
	ID              uint32
	Columns, Params uint16
	Warnings        uint16
}

func (p *Prepared) String() string {
	return fmt.Sprintf("PREPARED id=%d columns=%d params=%d warnings=%d", p.ID, p.Columns, p.Params, p.Warnings)
}

// Column is a column definition.
type Column struct {
	Catalog, Schema, Table, OrgTable, Name, OrgName string
	Charset                                         uint16
	Length                                          uint32
	Type                                            byte
	Flags                                           uint16
	Decimals                                        byte
	Default                                         string // of COM_FIELD_LIST: "" where none was sent
}

func (c *Column) String() string {
	s := fmt.Sprintf("COLUMN %s|%s|%s|%s|%s|%s charset=%d length=%d type=%#x flags=%#x decimals=%d",
		c.Catalog, c.Schema, c.Table, c.OrgTable, c.Name, c.OrgName, c.Charset, c.Length, c.Type, c.Flags, c.Decimals)
	if c.Default != "" {
		s += fmt.Sprintf(" default=%s", c.Default)
	}
	return s
}

// parseOK reads an OK packet, of the form without session tracking.
func (c *Conn) parseOK(p []byte) (OK, error) {
	cur := cursor{rest: p[1:]}
	o := OK{Affected: cur.integer(), InsertID: cur.integer(), Status: cur.uint16(), Warnings: cur.uint16()}
	if len(cur.rest) > 0 {
		o.Info = cur.string()
	}
	if err := cur.end(); err != nil {
		return o, fmt.Errorf("OK packet % x: %w", p, err)
	}
	return o, nil
}

func parseErr(p []byte) (*Err, error) {
	cur := cursor{rest: p[1:]}
	e := &Err{Code: cur.uint16()}
	if cur.err != nil || len(cur.rest) < 6 || cur.rest[0] != '#' {
		return e, fmt.Errorf("ERR packet %q has no SQLSTATE", p)
	}
	cur.uint8()
	e.State = string(cur.take(5))
	e.Message = string(cur.rest)
	return e, nil
}

// isEnd says whether p ends column definitions or rows.
func (c *Conn) isEnd(p []byte) bool {
	if len(p) == 0 || p[0] != 0xfe {
		return false
	}
	if c.caps&CapDeprecateEOF != 0 {
		return len(p) < MaxFrame
	}
	return len(p) < 9
}

// parseEnd reads an EOF packet or, where that is deprecated, the OK packet in its place.
func (c *Conn) parseEnd(p []byte) (EOF, error) {
	if c.caps&CapDeprecateEOF != 0 {
		ok, err := c.parseOK(p)
		return EOF{ok.Status, ok.Warnings}, err
	}
	cur := cursor{rest: p[1:]}
	e := EOF{Warnings: cur.uint16(), Status: cur.uint16()}
	if err := cur.end(); err != nil {
		return e, fmt.Errorf("EOF packet % x: %w", p, err)
	}
	return e, nil
}

func parseColumn(p []byte, fieldList bool) (Column, error) {
	cur := cursor{rest: p}
	col := Column{
		Catalog: cur.string(), Schema: cur.string(), Table: cur.string(),
		OrgTable: cur.string(), Name: cur.string(), OrgName: cur.string(),
	}
	if n := cur.uint8(); n != 12 {
		cur.fail("fixed part of %d bytes", n)
	}
	col.Charset = cur.uint16()
	col.Length = cur.uint32()
	col.Type = cur.uint8()
	col.Flags = cur.uint16()
	col.Decimals = cur.uint8()
	cur.zeros(2)
	if fieldList && len(cur.rest) > 0 {
		if cur.rest[0] == 0xfb {
			cur.uint8()
			col.Default = "NULL"
		} else {
			col.Default = fmt.Sprintf("%q", cur.bytes())
		}
	}
	if err := cur.end(); err != nil {
		return col, fmt.Errorf("column definition %q: %w", p, err)
	}
	return col, nil
}
