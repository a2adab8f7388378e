package load

import (
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"testing"

	"lockstep/integration/cluster"
	"lockstep/protocol"
)

// login is a client that says of itself that it has files.
func login(t *testing.T, wire *protocol.Conn, database string) {
	t.Helper()
	greeting, err := wire.ReadPacket()
	if err != nil {
		t.Fatal(err)
	}
	nonce := nonceOf(greeting)
	caps := protocol.ClientLongPassword | protocol.ClientProtocol41 | protocol.ClientSecureConnection | protocol.ClientLocalFiles |
		protocol.ClientConnectWithDB | protocol.ClientPluginAuth | protocol.ClientTransactions
	wire.SetCapabilities(caps)
	b := binary.LittleEndian.AppendUint32(nil, uint32(caps))
	b = binary.LittleEndian.AppendUint32(b, 1<<24)
	b = append(append(b, 45), make([]byte, 23)...)
	b = append(append(b, cluster.User...), 0)
	b = append(append(b, sha1.Size), scramble(cluster.Password, nonce)...)
	b = append(append(b, database...), 0)
	b = append(append(b, "mysql_native_password"...), 0)
	if err := errors.Join(wire.WritePacket(b), wire.Flush()); err != nil {
		t.Fatal(err)
	}
	answer, err := wire.ReadPacket()
	if err != nil {
		t.Fatal(err)
	}
	if len(answer) == 0 || answer[0] != 0 {
		t.Fatalf("login is answered by %q", answer)
	}
}

// nonceOf takes the challenge out of a greeting.
func nonceOf(g []byte) []byte {
	i := 1
	for g[i] != 0 {
		i++
	}
	i += 1 + 4
	nonce := append([]byte(nil), g[i:i+8]...)
	i += 8 + 1 + 2 + 1 + 2 + 2 + 1 + 10
	return append(nonce, g[i:i+12]...)
}

func scramble(password string, nonce []byte) []byte {
	one := sha1.Sum([]byte(password))
	two := sha1.Sum(one[:])
	h := sha1.New()
	h.Write(nonce)
	h.Write(two[:])
	out := h.Sum(nil)
	for i := range out {
		out[i] ^= one[i]
	}
	return out
}
