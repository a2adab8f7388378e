package protocol

// AppendColumnCount appends the packet that begins a result set of n columns.
func AppendColumnCount(dst []byte, n int) []byte { return appendLenencInt(dst, uint64(n)) }
