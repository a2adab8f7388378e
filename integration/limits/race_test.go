//go:build race

package limits

// raced: memory says nothing, as the race detector needs several times as much.
const raced = true
