package types

import (
	"bytes"
	"encoding/binary"
	"testing"

	"lockstep/integration/wireclient"
)

const largeValue = 32 << 20

// large has values of 32 MiB, in and out in every way.
func (p *pair) large(t *testing.T) {
	b := p.dial(t, "d", 0)
	b.run(t, "CREATE TABLE large (id INT PRIMARY KEY, v LONGBLOB)")
	value := bytes.Repeat([]byte("0123456789abcdef"), largeValue/16)
	ask := func(query, sql string, binary bool, params ...[]param) {
		p.compare(t, b, &question{kind: "large", query: query, sql: sql, binary: binary, params: params})
	}
	ask("literal", "INSERT INTO large VALUES (1, '"+string(value)+"')", false)
	value[0] = 'A'
	ask("bound", "INSERT INTO large VALUES (2, ?)", true, []param{{kind: kindBlob, value: value}})
	for _, c := range []*wireclient.Conn{b.plain, b.proxied} {
		a, err := c.Do(append(wireclient.Command{wireclient.ComStmtPrepare}, "INSERT INTO large VALUES (3, ?)"...))
		if err != nil || a.Detail() != "" {
			t.Fatal(err, a.Detail())
		}
		id := a.Results[0].Prepared.ID
		for at := 0; at < largeValue; at += 1 << 20 {
			piece := binary.LittleEndian.AppendUint32([]byte{wireclient.ComStmtSendLongData}, id)
			piece = append(append(piece, 0, 0), value[at:at+1<<20]...)
			if err := c.Write(wireclient.Frames(0, piece)); err != nil {
				t.Fatal(err)
			}
		}
		cmd := binary.LittleEndian.AppendUint32(wireclient.Command{wireclient.ComStmtExecute}, id)
		a, err = c.Do(append(cmd, 0, 1, 0, 0, 0, 0, 1, kindBlob, 0))
		if err != nil || a.Detail() != "" {
			t.Fatal(err, a.Detail())
		}
	}
	for _, binary := range []bool{false, true} {
		ask("one", "SELECT v FROM large WHERE id = 1", binary)
		ask("merged", "SELECT id, LENGTH(v), v FROM large WHERE id > 1 ORDER BY id", binary)
	}
}
