package coordinator

// Step is a named place of the commit where a test may stop the process.
type Step string

// k is the number of participants where a comment says so, else 0.
const (
	StepBeforePrepare   Step = "before-prepare"
	StepPrepared        Step = "prepared" // k participants prepared
	StepAllPrepared     Step = "all-prepared"
	StepDecisionWritten Step = "decision-written" // in the file, nobody knows of it (raised by txlog's hook)
	StepDecisionDurable Step = "decision-durable"
	StepCommitted       Step = "committed"     // k participants committed
	StepAllCommitted    Step = "all-committed" // not yet forgotten
)
