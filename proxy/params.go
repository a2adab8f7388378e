package proxy

import (
	"encoding/binary"
	"math"
	"strconv"

	"lockstep/protocol"
	"lockstep/sharding"
)

// bind gives the planner a prepared statement's parameters.
func (st *prepared) bind(in *sharding.Inputs, ex *protocol.Execute, charset string) {
	st.values = st.values[:0]
	for i := range ex.Params {
		st.values = append(st.values, routingValue(&ex.Params[i]))
	}
	in.Params = st.values
	st.bound.execute, st.bound.charset = ex, charset
	if st.bound.literal == nil { // once: the hot path allocates nothing
		st.bound.literal = func(dst []byte, i int) ([]byte, error) {
			return protocol.AppendParamLiteral(dst, &st.bound.execute.Params[i], st.bound.charset)
		}
	}
	in.AppendParam = st.bound.literal
}

// routingValue is a parameter as the planner compares it with shard keys.
func routingValue(p *protocol.Param) sharding.Value {
	if p.Null {
		return sharding.Value{Kind: sharding.ValNull}
	}
	integer := func(signed int64, unsigned uint64) sharding.Value {
		if p.Unsigned {
			return sharding.Value{Kind: sharding.ValUint, U: unsigned}
		}
		return sharding.Value{Kind: sharding.ValInt, I: signed}
	}
	b := p.Value
	switch p.Type {
	case protocol.TypeTiny:
		return integer(int64(int8(b[0])), uint64(b[0]))
	case protocol.TypeShort, protocol.TypeYear:
		v := binary.LittleEndian.Uint16(b)
		return integer(int64(int16(v)), uint64(v))
	case protocol.TypeLong, protocol.TypeInt24:
		v := binary.LittleEndian.Uint32(b)
		return integer(int64(int32(v)), uint64(v))
	case protocol.TypeLongLong:
		v := binary.LittleEndian.Uint64(b)
		return integer(int64(v), v)
	case protocol.TypeFloat:
		f := math.Float32frombits(binary.LittleEndian.Uint32(b))
		return sharding.Value{Kind: sharding.ValFloat, B: strconv.AppendFloat(nil, float64(f), 'g', -1, 32)}
	case protocol.TypeDouble:
		f := math.Float64frombits(binary.LittleEndian.Uint64(b))
		return sharding.Value{Kind: sharding.ValFloat, B: strconv.AppendFloat(nil, f, 'g', -1, 64)}
	case protocol.TypeDecimal, protocol.TypeNewDecimal:
		return sharding.Value{Kind: sharding.ValDecimal, B: b}
	case protocol.TypeDate, protocol.TypeDateTime, protocol.TypeTimestamp, protocol.TypeTime, protocol.TypeNewDate:
		return sharding.Value{Kind: sharding.ValTemporal, B: protocol.AppendTemporalText(nil, p)}
	case protocol.TypeTinyBlob, protocol.TypeMediumBlob, protocol.TypeLongBlob, protocol.TypeBlob, protocol.TypeBit, protocol.TypeGeometry:
		return sharding.Value{Kind: sharding.ValBytes, B: b}
	default:
		return sharding.Value{Kind: sharding.ValString, B: b}
	}
}
