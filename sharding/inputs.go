package sharding

// Inputs of one execution. All memory is the caller's.
type Inputs struct {
	SQL              []byte                                  // text as received
	Literals         []Literal                               // of Parse
	Params           []Value                                 // prepared statements
	AppendParam      func(dst []byte, i int) ([]byte, error) // parameter as SQL literal, for rewritten texts
	Evaluated        []Evaluated                             // the answer to Plan.Evaluate
	OfQuery          bool                                    // the rows of an INSERT were those of a query
	Session          *Session
	Reserve          func(t *Table, n int) (first uint64, err error) // n consecutive AUTO_INCREMENT ids
	Explicit         func(t *Table, highest uint64) error            // the statement gives ids itself, up to highest: the sequence must stay above
	FileCharset      func() (string, error)                          // character set of a LOAD DATA file that names none
	PhysicalDatabase func(shard int, logical string) string          // nil: same names
	InTransaction    bool                                            // a transaction is open: its own changes must be seen
	MayScratch       bool                                            // what is refused otherwise may go to the scratch server
	Gather           bool                                            // the caller gathers tables of information_schema (Plan.System)
	Prefer           int                                             // shard to use where any will do (-1: the planner chooses, spread by hash of the text)
}
