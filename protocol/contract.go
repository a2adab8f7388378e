// CONTRACT (temporary file): signatures other packages are being written
// against. The protocol owner moves each into its own file and implements it;
// names, parameters and meaning stay.

package protocol

import (
	"errors"
	"net"
)

var errContract = errors.New("not implemented")

// Options sets the limits of one connection.
type Options struct {
	MaxPacket   int // largest logical packet (joined over 16 MiB fragments) in bytes; 0 means 64 MiB
	ReadBuffer  int // initial read window in bytes; 0 means 16 KiB; grows up to MaxPacket+4 only while a big packet passes
	WriteBuffer int // bytes collected before an implicit flush; 0 means 16 KiB
}

// Conn is one end of a MySQL connection, client's or server's side: packets in
// and out with sequence numbers, one read window and one write buffer. Not
// safe for concurrent use.
type Conn struct{}

func NewConn(nc net.Conn, o Options) *Conn                 { return nil }
func (c *Conn) NetConn() net.Conn                          { return nil }
func (c *Conn) Close() error                               { return errContract }
func (c *Conn) Capabilities() Capability                   { return 0 }
func (c *Conn) SetCapabilities(caps Capability)            {}
func (c *Conn) SetMaxPacket(n int)                         {}
func (c *Conn) ResetSequence()                             {}                          // a new command begins: the next packet has number 0
func (c *Conn) Buffered() int                              { return 0 }                // bytes read but not consumed
func (c *Conn) ReadPacket() ([]byte, error)                { return nil, errContract } // payload, joined; valid until the next read; *PacketTooLargeError past the limit
func (c *Conn) WritePacket(payload []byte) error           { return errContract }      // buffered; splits at 16 MiB-1
func (c *Conn) WriteCommand(cmd Command, arg []byte) error { return errContract }      // ResetSequence + packet; buffered
func (c *Conn) Flush() error                               { return errContract }      // one write

// OK is an OK packet. Info is owned by the caller.
type OK struct {
	AffectedRows uint64
	LastInsertID uint64
	Status       Status
	Warnings     uint16
	Info         string
}

// ServerError is an ERR packet: what a server said, or what we say to a client.
type ServerError struct {
	Code     uint16
	SQLState string // five characters
	Message  string
}

func (e *ServerError) Error() string { return e.Message }

// NewError makes a ServerError with the SQLSTATE that MySQL gives that code.
func NewError(code uint16, format string, args ...any) *ServerError { return nil }

// Appenders build payloads (no header) on dst.
func AppendOK(dst []byte, ok OK) []byte                      { return nil }
func AppendEOF(dst []byte, warnings uint16, s Status) []byte { return nil }
func AppendError(dst []byte, e *ServerError) []byte          { return nil }

// Parsers copy what they return.
func ParseOK(payload []byte) (OK, error)              { return OK{}, errContract }
func ParseError(payload []byte) (*ServerError, error) { return nil, errContract }

// Column is a column definition (ColumnDefinition41).
type Column struct {
	Schema, Table, OrgTable, Name, OrgName string
	Charset                                uint16
	Length                                 uint32
	Type                                   ColumnType
	Flags                                  uint16
	Decimals                               byte
	Default                                []byte // COM_FIELD_LIST only
}

func AppendColumn(dst []byte, c *Column) []byte  { return nil }
func ParseColumn(payload []byte) (Column, error) { return Column{}, errContract } // copies

// Field is one value of a row as its text-protocol bytes; nil is NULL.
type Field []byte

// ParseTextRow splits a text row in place: fields alias payload.
func ParseTextRow(dst []Field, payload []byte, columns int) ([]Field, error) { return nil, errContract }
func AppendTextRow(dst []byte, row []Field) []byte                           { return nil }

// AppendBinaryRow converts a row of text-protocol fields into the binary
// protocol's encoding for the columns' types (a prepared statement's answer
// whose parts were fetched as text).
func AppendBinaryRow(dst []byte, row []Field, columns []Column) ([]byte, error) {
	return nil, errContract
}

// Param is one bound parameter of COM_STMT_EXECUTE.
type Param struct {
	Type     ColumnType
	Unsigned bool
	Null     bool
	Value    []byte // as on the wire without its length prefix; aliases the packet, or long data
}

// Execute is a parsed COM_STMT_EXECUTE.
type Execute struct {
	StatementID uint32
	Flags       byte
	Iterations  uint32
	NewTypes    bool
	Params      []Param
}

// ParamType is a parameter's type as bound by the client, kept per statement
// because a re-execution may leave the types out.
type ParamType struct {
	Type     ColumnType
	Unsigned bool
}

// ParseExecute reads an EXECUTE of a statement with n parameters. types is
// what the client bound last time (used when the packet leaves types out) and
// is updated; long holds SEND_LONG_DATA values by parameter (nil: none).
// payload is the packet after the command byte. The result aliases payload.
func ParseExecute(dst *Execute, payload []byte, n int, types *[]ParamType, long [][]byte) error {
	return errContract
}

// AppendExecute writes a whole COM_STMT_EXECUTE payload (command byte
// included) for another statement id, always with types.
func AppendExecute(dst []byte, id uint32, flags byte, params []Param) []byte { return nil }

// AppendParamLiteral renders a parameter as an SQL literal that means the same
// under any sql_mode (hex form for strings that need it, with introducer
// charset where the client's is not the default; decimals, dates, times as the types say).
func AppendParamLiteral(dst []byte, p *Param, charset string) ([]byte, error) {
	return nil, errContract
}

// PrepareOK is the first packet of an answer to COM_STMT_PREPARE.
type PrepareOK struct {
	StatementID uint32
	Columns     uint16
	Params      uint16
	Warnings    uint16
}

func AppendPrepareOK(dst []byte, p PrepareOK) []byte   { return nil }
func ParsePrepareOK(payload []byte) (PrepareOK, error) { return PrepareOK{}, errContract }

// ---- server side handshake (we are the server) ----

// Account is what is known of a user: its password in clear or as MySQL stores it.
type Account struct {
	Name     string
	Password string // clear text when Hash is empty
	Hash     string // "*HEX40" (mysql_native_password) or "$A$005$..." (caching_sha2_password)
}

// Greeting configures what a client is told before it logs in.
type Greeting struct {
	ServerVersion string // e.g. "10.11.19-MariaDB-Lockstep"
	ConnectionID  uint32
	Charset       byte
	Status        Status
	Capabilities  Capability
	DefaultPlugin string // mysql_native_password or caching_sha2_password
}

// Login is what the client said when it logged in.
type Login struct {
	User         string
	Database     string
	Charset      byte
	Capabilities Capability
	Attributes   map[string]string
}

// Authenticator finds accounts and remembers caching_sha2 fast-path digests. Safe for concurrent use.
type Authenticator struct{}

func NewAuthenticator(lookup func(user string) (Account, bool)) *Authenticator { return nil }

// Handshake greets, authenticates and sets c's capabilities (the common part of
// both). It does NOT send the final OK (the session checks the database first).
// On refusal it returns a *ServerError (1045, 1043, ...) not yet sent.
func (a *Authenticator) Handshake(c *Conn, g Greeting) (*Login, error) { return nil, errContract }

// ChangeUser runs the authentication of a COM_CHANGE_USER (payload after the command byte).
func (a *Authenticator) ChangeUser(c *Conn, payload []byte, g Greeting) (*Login, error) {
	return nil, errContract
}

// ---- answers of a server to a command (we are the client of a shard) ----

// Patch says what a relayed answer must say instead of the shard's own words.
type Patch struct {
	StatusMask  Status // bits replaced in every OK/EOF
	StatusValue Status // by these
}

// Summary tells what a relayed or read answer was.
type Summary struct {
	OK          OK           // of the last OK, or the Status/Warnings of the last EOF
	Err         *ServerError // the answer was, or ended in, an ERR packet
	Columns     int          // 0: no result set
	Rows        int64        // not counted in span relay (-1)
	Started     bool         // something has been written towards the client
	MoreResults bool
}

// Relay copies one whole answer to COM_QUERY or COM_STMT_EXECUTE (all its
// results while MORE_RESULTS_EXISTS is set) from src, a shard, to dst, a client:
// headers scanned in place, whole spans written, no row decoded, at most one write per
// read window. The first error is returned as *RelayError, which says which side
// broke; a server's ERR packet is no error: it is relayed and stands in Summary.Err.
// An OK answer (no result set) is NOT written but returned in the summary for the
// session to answer in its own words (Summary.Started false). LOCAL INFILE requests are
// refused towards the shard with an empty packet and come back as error 1235.
// dst is not flushed at the end. With EOF framing on both legs only (neither leg has
// CLIENT_DEPRECATE_EOF).
func Relay(dst, src *Conn, p Patch) (Summary, error) { return Summary{}, errContract }

// RelayError says which leg failed.
type RelayError struct {
	Source bool // the shard's leg broke; otherwise the client's
	Err    error
}

func (e *RelayError) Error() string { return e.Err.Error() }
func (e *RelayError) Unwrap() error { return e.Err }

// Rows reads one answer row by row from a shard's connection, for merging.
//
//	rows, err := ReadRows(src)      // err: transport or *ServerError
//	for rows.Next() { rows.Payload() }
//	rows.Err(); rows.Summary()
type Rows struct{}

// ReadRows reads up to the end of the column definitions, or the OK packet of
// an answer without rows (then Columns is empty and Next false).
func ReadRows(src *Conn) (*Rows, error) { return nil, errContract }

func (r *Rows) Columns() []Column { return nil }
func (r *Rows) Next() bool        { return false }
func (r *Rows) Payload() []byte   { return nil }         // the row packet; valid until the next Next
func (r *Rows) Err() error        { return nil }         // *ServerError or transport error
func (r *Rows) Summary() Summary  { return Summary{} }   // valid after Next was false
func (r *Rows) Drain() error      { return errContract } // reads the rest and forgets it
