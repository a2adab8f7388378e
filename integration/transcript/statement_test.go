package transcript

import (
	"encoding/binary"
	"slices"

	"lockstep/integration/wireclient"
)

// nth is what sequences write for the id of their n-th statement that was prepared, from 1
// on: which id that is, is the server's business. Ids that stand for themselves are beyond them.
const nth = 0x0a000000

// appendID keeps the id that a statement got.
func appendID(ids []uint32, a *wireclient.Answer) []uint32 {
	for i := range a.Results {
		if p := a.Results[i].Prepared; p != nil {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// withID puts the id into a command for the n-th statement.
func withID(cmd wireclient.Command, ids []uint32) wireclient.Command {
	if len(cmd) < 5 || cmd[0] < wireclient.ComStmtExecute || cmd[0] > wireclient.ComStmtFetch || cmd[0] == wireclient.ComSetOption {
		return cmd
	}
	n := binary.LittleEndian.Uint32(cmd[1:]) - nth - 1
	if n >= uint32(len(ids)) {
		return cmd
	}
	cmd = slices.Clone(cmd)
	binary.LittleEndian.PutUint32(cmd[1:], ids[n])
	return cmd
}

// withIDs is withID for commands that were answered so on another fresh connection.
func withIDs(cmds []wireclient.Command, list answers) []wireclient.Command {
	var ids []uint32
	cmds = slices.Clone(cmds)
	for i := range cmds {
		cmds[i] = withID(cmds[i], ids)
		if i < len(list) {
			ids = appendID(ids, list[i])
		}
	}
	return cmds
}
