package merge

import (
	"bytes"

	"lockstep/protocol"
)

// distinct drops rows whose keys were met before. Rows that come in the keys'
// order need the last key only; otherwise all keys are kept, under the limits.
type distinct struct {
	from     source
	columns  int
	keys     *keyCodec
	adjacent bool
	budget   *budget

	fields []protocol.Field
	key    []byte
	last   []byte
	any    bool
	seen   map[string]struct{}
}

// seenSize is what one key costs in the set beside its bytes.
const seenSize = 48

func (d *distinct) next() (row, bool, error) {
	for {
		r, ok, err := d.from.next()
		if err != nil || !ok {
			return row{}, false, err
		}
		fields := r.fields
		if fields == nil {
			if d.fields, err = decode(d.fields, r.payload, d.columns); err != nil {
				return row{}, false, err
			}
			fields = d.fields
		}
		if d.key, err = d.keys.append(d.key[:0], fields); err != nil {
			return row{}, false, err
		}
		fresh, err := d.fresh()
		if err != nil {
			return row{}, false, err
		}
		if fresh {
			r.fields = fields
			return r, true, nil
		}
	}
}

func (d *distinct) fresh() (bool, error) {
	if d.adjacent {
		if d.any && bytes.Equal(d.key, d.last) {
			return false, nil
		}
		d.any = true
		d.last, d.key = d.key, d.last
		return true, nil
	}
	if _, met := d.seen[string(d.key)]; met {
		return false, nil
	}
	if err := d.budget.hold(len(d.seen)+1, len(d.key)+seenSize); err != nil {
		return false, err
	}
	if d.seen == nil {
		d.seen = map[string]struct{}{}
	}
	d.seen[string(d.key)] = struct{}{}
	return true, nil
}
