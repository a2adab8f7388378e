package txlog

import "time"

// Decision is one record of the log.
type Decision struct {
	GTRID        string
	Verdict      Verdict
	Mode         string // "2pc" or "3pc"
	Participants []string
	Time         time.Time
	Token        string
}

// AuditEntry is one forced verdict by an operator.
type AuditEntry struct {
	Time    time.Time
	GTRID   string
	Verdict Verdict
	Who     string
	Reason  string
}

// Identity is who a log belongs to.
type Identity struct {
	Cluster     string
	Coordinator string
}
