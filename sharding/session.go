package sharding

// Session gives the values of session functions.
type Session struct {
	LastInsertID         uint64
	RowCount             int64
	FoundRows            uint64
	ConnectionID         uint32
	User, Host, Database string
	SystemVariables      func(name string) (string, bool) // values of the proxy's own variables (lockstep_*), as SQL literal
}
