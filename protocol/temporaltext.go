package protocol

// AppendTemporalText appends a parameter's date or time as text, the way a
// server writes it; the value of a type that is neither, or that is not well formed, as it is.
func AppendTemporalText(dst []byte, p *Param) []byte {
	switch p.Type.form() {
	case formTime:
		if t, err := binaryTime(p.Value); err == nil {
			return t.appendText(dst)
		}
	case formDateTime:
		if t, err := binaryDateTime(p.Value); err == nil {
			return t.appendText(dst, p.Type != TypeDate && p.Type != TypeNewDate)
		}
	}
	return append(dst, p.Value...)
}
