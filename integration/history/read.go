package history

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// ReadFile reads the history that a Recorder wrote.
func ReadFile(path string) (*History, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read a history: %w", err)
	}
	defer f.Close()
	return Decode(f)
}

// Decode reads a history. A last line without its end, of a test that was killed, is left out;
// any other that is not as a Recorder writes it is an error.
func Decode(in io.Reader) (*History, error) {
	h := &History{}
	r := bufio.NewReaderSize(in, 1<<20)
	for n := 1; ; n++ {
		text, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			if h.Meta.Began.IsZero() {
				return nil, errors.New("read a history: it does not begin with its meta line")
			}
			return h, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read a history: line %d: %w", n, err)
		}
		if err := h.take(text, n == 1); err != nil {
			return nil, fmt.Errorf("read a history: line %d: %w", n, err)
		}
	}
}

func (h *History) take(text []byte, first bool) error {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return err
	}
	if first != (l.Meta != nil) {
		return errors.New("the meta line is the first, and no other")
	}
	switch {
	case l.Meta != nil:
		h.Meta = *l.Meta
	case l.Invoke != nil:
		if l.Invoke.N != int64(len(h.Ops))+1 {
			return fmt.Errorf("operation %d follows operation %d", l.Invoke.N, len(h.Ops))
		}
		h.Ops = append(h.Ops, l.Invoke)
	case l.Done != nil:
		op, err := h.op(l.Done.N)
		if err != nil {
			return err
		}
		if op.End > 0 || l.Done.End < op.Start || l.Done.End == 0 {
			return fmt.Errorf("operation %d ends twice, or before it began", op.N)
		}
		*op = *l.Done
	case l.Answer != nil:
		op, err := h.op(l.Answer.N)
		if err != nil {
			return err
		}
		op.Answer = l.Answer.Answer
	case l.Note != nil:
		h.Notes = append(h.Notes, *l.Note)
	case l.Final != nil:
		h.Final = append(h.Final, *l.Final)
	default:
		return errors.New("it holds nothing that is known")
	}
	return nil
}

func (h *History) op(n int64) (*Op, error) {
	if n < 1 || n > int64(len(h.Ops)) {
		return nil, fmt.Errorf("operation %d was never begun", n)
	}
	return h.Ops[n-1], nil
}
