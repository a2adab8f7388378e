package localdb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// StartError says why a server did not come up, with the end of its log.
type StartError struct {
	Name   string // the server's
	Reason string
	Log    string // path of the error log
	Tail   string // what this start wrote there, its last lines
	Err    error  // why waiting ended, where it was not the server's own end
}

func (e *StartError) Unwrap() error { return e.Err }

func (e *StartError) Error() string {
	if e.Tail == "" {
		return fmt.Sprintf("start server %s: %s; its log %s is empty", e.Name, e.Reason, e.Log)
	}
	return fmt.Sprintf("start server %s: %s; the end of %s:\n%s", e.Name, e.Reason, e.Log, e.Tail)
}

const (
	tailLines = 20
	tailBytes = 64 << 10
)

// logSize is where the next start will write.
func logSize(path string) (int64, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// logTail reads the last lines of a log, none of them before that offset.
func logTail(path string, from int64) string {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Sprintf("(cannot be read: %v)", err)
	}
	defer f.Close()
	end, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.Seek(max(from, end-tailBytes), io.SeekStart)
	}
	if err != nil {
		return fmt.Sprintf("(cannot be read: %v)", err)
	}
	text, err := io.ReadAll(io.LimitReader(f, tailBytes))
	if err != nil {
		return fmt.Sprintf("(cannot be read: %v)", err)
	}
	return string(lastLines(bytes.TrimSpace(text), tailLines))
}

// lastLines cuts a text to its last n lines.
func lastLines(text []byte, n int) []byte {
	at := len(text)
	for ; n > 0; n-- {
		at = bytes.LastIndexByte(text[:at], '\n')
		if at < 0 {
			return text
		}
	}
	return text[at+1:]
}
