package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// line is what one line of a file holds: one of its fields.
type line struct {
	Meta   *Meta  `json:"meta,omitempty"`
	Invoke *Op    `json:"invoke,omitempty"`
	Done   *Op    `json:"done,omitempty"`
	Answer *Op    `json:"answer,omitempty"` // N and Answer only
	Note   *Note  `json:"note,omitempty"`
	Final  *State `json:"final,omitempty"`
}

// Recorder writes a history down as it happens, to a file and in memory. Safe for concurrent use.
type Recorder struct {
	began time.Time

	mu    sync.Mutex
	h     History
	ended map[Kind]map[Outcome]int
	file  *os.File
	err   error // the first of the file
}

// NewRecorder makes the file, which must not exist, and begins the history now.
func NewRecorder(path string, m Meta) (*Recorder, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the history's file: %w", err)
	}
	r := &Recorder{began: time.Now(), file: f, ended: map[Kind]map[Outcome]int{}}
	m.Began = r.began
	r.h.Meta = m
	r.mu.Lock()
	defer r.mu.Unlock()
	r.write(line{Meta: &m})
	return r, nil
}

// write a line at once: a test that is killed loses nothing but the line that it was writing.
func (r *Recorder) write(l line) {
	if r.err != nil {
		return
	}
	text, err := json.Marshal(l)
	if err == nil {
		_, err = r.file.Write(append(text, '\n'))
	}
	r.err = err
}

// Invoke notes that an operation begins now, and numbers it. Call it before anything is sent.
func (r *Recorder) Invoke(op Op) *Op {
	r.mu.Lock()
	defer r.mu.Unlock()
	op.N = int64(len(r.h.Ops)) + 1
	op.Start = time.Since(r.began)
	op.Outcome = Unknown
	asked := op
	asked.Mops = slices.Clone(op.Mops) // the client fills in its own
	r.h.Ops = append(r.h.Ops, &asked)
	r.write(line{Invoke: &asked})
	return &op
}

// Done notes that an operation ends now, with all that its client knows then. op is the
// recorder's from now on.
func (r *Recorder) Done(op *Op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	op.End = time.Since(r.began)
	op.Answer = r.h.Ops[op.N-1].Answer // a look-up may have been quicker
	r.h.Ops[op.N-1] = op
	if r.ended[op.Kind] == nil {
		r.ended[op.Kind] = map[Outcome]int{}
	}
	r.ended[op.Kind][op.Outcome]++
	r.write(line{Done: op})
}

// Answer notes what a look-up of operation n's outcome said, perhaps before the operation's end.
func (r *Recorder) Answer(n int64, a Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.h.Ops[n-1].Answer = a
	r.write(line{Answer: &Op{N: n, Answer: a}})
}

// Unanswered are the operations with a token whose client does not know the
// outcome and has not been told it.
func (r *Recorder) Unanswered() []Op {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []Op
	for _, op := range r.h.Ops {
		if op.Token != "" && op.Outcome == Unknown && op.Answer == "" {
			list = append(list, *op)
		}
	}
	return list
}

// Note keeps a remark.
func (r *Recorder) Note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := Note{At: time.Since(r.began), Text: fmt.Sprintf(format, args...)}
	r.h.Notes = append(r.h.Notes, n)
	r.write(line{Note: &n})
}

// Final keeps what a shard has in the end.
func (r *Recorder) Final(s State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.h.Final = append(r.h.Final, s)
	r.write(line{Final: &s})
}

// Count of the operations of a kind that ended in an outcome until now.
func (r *Recorder) Count(k Kind, o Outcome) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ended[k][o]
}

// Close ends the file and answers the history. Nobody may record any more.
func (r *Recorder) Close() (*History, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := errors.Join(r.err, r.file.Close()); err != nil {
		return &r.h, fmt.Errorf("write the history: %w", err)
	}
	return &r.h, nil
}
