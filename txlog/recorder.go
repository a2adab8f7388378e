package txlog

import "strings"

// commitRecorder is bbolt's logger. bbolt's Commit returns the bare error
// of the operating system; which step failed it tells only its logger.
// A message that is not known here proves nothing, so that a change of bbolt's
// words can only make the inquest more careful.
type commitRecorder struct{ gaveUp bool }

// beforeMetaPage are the beginnings of the messages that bbolt v1.5.0 (tx.go, Commit)
// gives when it returns before the meta page is written, or because that write failed.
var beforeMetaPage = []string{
	"spilling data onto dirty pages failed",
	"committing freelist failed",
	"growing db size failed",
	"writing data failed",
	"writeAt failed, pgid:", // the meta page's own write
}

func (r *commitRecorder) reset()           { r.gaveUp = false }
func (r *commitRecorder) beforeMeta() bool { return r.gaveUp }

func (r *commitRecorder) Errorf(format string, _ ...any) {
	for _, s := range beforeMetaPage {
		if strings.HasPrefix(format, s) {
			r.gaveUp = true
		}
	}
}

func (*commitRecorder) Debug(...any)              {}
func (*commitRecorder) Debugf(string, ...any)     {}
func (*commitRecorder) Error(...any)              {}
func (*commitRecorder) Info(...any)               {}
func (*commitRecorder) Infof(string, ...any)      {}
func (*commitRecorder) Warning(...any)            {}
func (*commitRecorder) Warningf(string, ...any)   {}
func (*commitRecorder) Fatal(v ...any)            { panic(v) }
func (*commitRecorder) Fatalf(f string, v ...any) { panic(f) }
func (*commitRecorder) Panic(v ...any)            { panic(v) }
func (*commitRecorder) Panicf(f string, v ...any) { panic(f) }
