package protocol

import (
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// zlibPool keeps zlib's state between packets: it is large, and a session between commands needs none.
type zlibPool struct{ writers, readers sync.Pool }

var zlibCompressor = &zlibPool{}

// zlibLevel is fast rather than small: the proxy compresses for many clients.
const zlibLevel = zlib.BestSpeed

type appender struct{ b []byte }

// Write appends.
func (a *appender) Write(b []byte) (int, error) {
	a.b = append(a.b, b...)
	return len(b), nil
}

func (z *zlibPool) pack(dst, src []byte) ([]byte, error) {
	out := &appender{dst}
	w, ok := z.writers.Get().(*zlib.Writer)
	if ok {
		w.Reset(out)
	} else {
		var err error
		if w, err = zlib.NewWriterLevel(out, zlibLevel); err != nil {
			return dst, err
		}
	}
	defer z.writers.Put(w)
	if _, err := w.Write(src); err != nil {
		return dst, err
	}
	if err := w.Close(); err != nil {
		return dst, err
	}
	return out.b, nil
}

func (z *zlibPool) open(src io.Reader) (io.Reader, error) {
	if r, ok := z.readers.Get().(io.Reader); ok {
		return r, r.(zlib.Resetter).Reset(src, nil)
	}
	return zlib.NewReader(src)
}

func (z *zlibPool) free(r io.Reader) { z.readers.Put(r) }

// zstdLevelPool is zstd at one level.
type zstdLevelPool struct {
	encoder func() (*zstd.Encoder, error)
}

var (
	zstdReaders sync.Pool
	zstdLevels  [zstd.SpeedBestCompression + 1]zstdLevelPool
)

func init() {
	for i := range zstdLevels {
		zstdLevels[i].encoder = sync.OnceValues(func() (*zstd.Encoder, error) {
			return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.EncoderLevel(i)), zstd.WithWindowSize(maxCompressChunk), zstd.WithLowerEncoderMem(true))
		})
	}
}

// zstdCompressor is zstd at the level that a client asked for (1 to 22; 0: zstd's default), or the nearest there is.
func zstdCompressor(level byte) compressor {
	const normal, best = 3, 22
	if level == 0 {
		level = normal
	}
	return &zstdLevels[zstd.EncoderLevelFromZstd(int(min(level, best)))]
}

func (z *zstdLevelPool) pack(dst, src []byte) ([]byte, error) {
	w, err := z.encoder()
	if err != nil {
		return dst, err
	}
	return w.EncodeAll(src, dst), nil
}

func (z *zstdLevelPool) open(src io.Reader) (io.Reader, error) {
	if r, ok := zstdReaders.Get().(*zstd.Decoder); ok {
		return r, r.Reset(src)
	}
	// A packet holds less than 16 MiB, so its window can be no larger.
	return zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxFragment+1))
}

func (z *zstdLevelPool) free(r io.Reader) {
	if d := r.(*zstd.Decoder); d.Reset(nil) == nil {
		zstdReaders.Put(d)
	}
}
