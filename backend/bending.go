package backend

import "slices"

// bending are session variables of clients that would spoil a marker row: a clock that
// stands still gives it a wrong age; without checks of unique keys a server may take two rows with one
// token, and MariaDB inserts into an empty table under a lock of the whole table.
var bending = []Variable{{"foreign_key_checks", "1"}, {"timestamp", "DEFAULT"}, {"unique_checks", "1"}}

// appendUnbending writes the SET that must go before a marker; nothing where none must.
func (c *Conn) appendUnbending(b []byte) []byte {
	for _, v := range bending {
		if have, ok := lookup(c.vars, v.Name); ok && have != v.Value {
			if len(b) == 0 {
				b = append(b, "SET "...)
			} else {
				b = append(b, ", "...)
			}
			b = append(append(append(b, v.Name...), '='), v.Value...)
		}
	}
	return b
}

// unbent notes that appendUnbending's SET was done. The next use of the connection
// gives the client's variables back by difference.
func (c *Conn) unbent() {
	vars := slices.Clone(c.vars) // they are the State's
	for _, v := range bending {
		if i := slices.IndexFunc(vars, func(x Variable) bool { return x.Name == v.Name }); i >= 0 {
			vars[i].Value = v.Value
		}
	}
	c.vars, c.state = vars, nil
}
