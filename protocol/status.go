package protocol

// Status is the SERVER_STATUS_* flag set.
type Status uint16

// Status flags, as in MySQL's mysql_com.h.
const (
	StatusInTrans            Status = 0x0001
	StatusAutocommit         Status = 0x0002
	StatusMoreResultsExists  Status = 0x0008
	StatusNoGoodIndexUsed    Status = 0x0010
	StatusNoIndexUsed        Status = 0x0020
	StatusCursorExists       Status = 0x0040 // no rows follow the column definitions
	StatusLastRowSent        Status = 0x0080
	StatusDBDropped          Status = 0x0100
	StatusNoBackslashEscapes Status = 0x0200
	StatusMetadataChanged    Status = 0x0400
	StatusQueryWasSlow       Status = 0x0800
	StatusPSOutParams        Status = 0x1000
	StatusInTransReadonly    Status = 0x2000
	StatusSessionChanged     Status = 0x4000
)

// framingStatus are the flags that say what follows on the wire: never patched.
const framingStatus = StatusMoreResultsExists | StatusCursorExists | StatusLastRowSent | StatusPSOutParams

// Has says whether all of flags are set.
func (s Status) Has(flags Status) bool { return s&flags == flags }

// outParams are the flags of a result's first EOF packet that hold for its second, too: MySQL says only in the
// first that OUT parameters follow, and behind them another result.
func outParams(first Status) Status {
	if !first.Has(StatusPSOutParams) {
		return 0
	}
	return first & (StatusPSOutParams | StatusMoreResultsExists)
}
