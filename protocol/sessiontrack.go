package protocol

import "encoding/binary"

// Track names a kind of session state change in an OK packet (SESSION_TRACK_*).
type Track byte

// Kinds of session state change, in the order of MySQL's enum_session_state_type.
const (
	TrackSystemVariables            Track = 0
	TrackSchema                     Track = 1
	TrackStateChange                Track = 2
	TrackGTIDs                      Track = 3
	TrackTransactionCharacteristics Track = 4
	TrackTransactionState           Track = 5
)

// AppendTrack appends one change to a list of them: for TrackSystemVariables a name and its value,
// otherwise one text.
func AppendTrack(dst []byte, kind Track, texts ...string) []byte {
	var data []byte
	if kind == TrackStateChange { // has no length of its own
		return appendLenencString(append(dst, byte(kind)), texts[0])
	}
	for _, t := range texts {
		data = appendLenencString(data, t)
	}
	return appendLenencBytes(append(dst, byte(kind)), data)
}

// AppendTrackedOK is AppendOK with a list of session state changes (of AppendTrack; not empty), for
// a client with CLIENT_SESSION_TRACK.
func AppendTrackedOK(dst []byte, ok OK, track []byte) []byte {
	info := ok.Info
	ok.Info, ok.Status = "", ok.Status|StatusSessionChanged
	return appendLenencBytes(appendLenencString(AppendOK(dst, ok), info), track)
}

// AppendTrackedEnd is AppendEndOfRows with CLIENT_DEPRECATE_EOF and a list of session state changes.
func AppendTrackedEnd(dst []byte, warnings uint16, s Status, track []byte) []byte {
	dst = AppendEndOfRows(dst, ClientDeprecateEOF, warnings, s|StatusSessionChanged)
	dst = appendLenencString(dst, "")
	return appendLenencBytes(dst, track)
}

// SessionChange is one change that an OK packet told.
type SessionChange struct {
	Kind        Track
	Name, Value string // Name: of a system variable only
}

// ParseTrack reads the session state changes of an OK packet, or of one that ends rows, on a connection
// with CLIENT_SESSION_TRACK. Kinds that this package does not know are left out.
func ParseTrack(payload []byte) ([]SessionChange, error) {
	at := okStatusOffset(payload)
	if at < 0 || at+4 > len(payload) {
		return nil, malformed("OK packet of %d bytes is cut short", len(payload))
	}
	if s := Status(binary.LittleEndian.Uint16(payload[at:])); !s.Has(StatusSessionChanged) {
		return nil, nil
	}
	c := cursor{rest: payload[at+4:]}
	c.lenencBytes()
	list := cursor{rest: c.lenencBytes()}
	if c.bad {
		return nil, malformed("OK packet of %d bytes ends in its session state", len(payload))
	}
	var changes []SessionChange
	for len(list.rest) > 0 {
		change := SessionChange{Kind: Track(list.uint8())}
		data := cursor{rest: list.lenencBytes()}
		for len(data.rest) > 0 && !list.bad && !data.bad {
			switch change.Kind {
			case TrackSystemVariables:
				change.Name = string(data.lenencBytes())
				change.Value = string(data.lenencBytes())
			case TrackStateChange:
				change.Value = string(data.take(len(data.rest)))
			case TrackSchema, TrackTransactionCharacteristics, TrackTransactionState:
				change.Value = string(data.lenencBytes())
			default:
				data.rest = nil
				continue
			}
			if !data.bad {
				changes = append(changes, change)
			}
		}
		if list.bad || data.bad {
			return nil, malformed("session state of an OK packet is cut short")
		}
	}
	return changes, nil
}
