package protocol

import (
	"crypto/sha1"
	"crypto/subtle"
)

// nativeStage2 is what mysql_native_password stores: SHA1(SHA1(password)).
func nativeStage2(password []byte) []byte {
	stage1 := sha1.Sum(password)
	stage2 := sha1.Sum(stage1[:])
	return stage2[:]
}

// checkNative verifies SHA1(password) XOR SHA1(nonce + stage2) (protocol page "Native
// Authentication") in constant time.
func checkNative(response, stage2 []byte, nonce *[nonceSize]byte) bool {
	if len(response) != sha1.Size || len(stage2) != sha1.Size {
		return false
	}
	h := sha1.New()
	h.Write(nonce[:])
	h.Write(stage2)
	stage1 := h.Sum(nil)
	subtle.XORBytes(stage1, stage1, response)
	got := sha1.Sum(stage1)
	return subtle.ConstantTimeCompare(got[:], stage2) == 1
}
