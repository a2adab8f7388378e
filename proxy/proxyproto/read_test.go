package proxyproto

import (
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
)

const loginPacket = "\x25\x00\x00\x01\x85\xa6\xff\x01 and the rest of a login"

func two(command, family byte, body string) string {
	return signature2 + string([]byte{command, family, byte(len(body) >> 8), byte(len(body))}) + body
}

var good = map[string]string{
	"PROXY TCP4 192.0.2.7 10.0.0.1 56324 3306\r\n":               "192.0.2.7:56324",
	"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n": "255.255.255.255:65535",
	"PROXY TCP6 2001:db8::7 2001:db8::1 1 3306\r\n":              "[2001:db8::7]:1",
	"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 3306\r\n":                 "192.0.2.7:1",
	"PROXY UNKNOWN\r\n": "",
	"PROXY UNKNOWN " + strings.Repeat("f", longest1-16) + "\r\n":                                                        "",
	two(0x21, tcp4, "\xc0\x00\x02\x07\x0a\x00\x00\x01\xdc\x04\x0c\xea"):                                                 "192.0.2.7:56324",
	two(0x21, tcp4, "\xc0\x00\x02\x07\x0a\x00\x00\x01\xdc\x04\x0c\xea\x04\x00\x03abc"):                                  "192.0.2.7:56324",
	two(0x21, tcp6, "\x20\x01\x0d\xb8"+strings.Repeat("\x00", 11)+"\x07"+strings.Repeat("\x00", 16)+"\x00\x01\x0c\xea"): "[2001:db8::7]:1",
	two(0x20, 0, ""):                                "",
	two(0x20, tcp4, "ignored"):                      "",
	two(0x21, 0, ""):                                "",
	two(0x21, 0x31, strings.Repeat("\x00", 216)):    "",
	two(0x21, 0, strings.Repeat("x", MaxHeader-16)): "",
}

func TestRead(t *testing.T) {
	for text, want := range good {
		for _, chunked := range []bool{false, true} {
			all := strings.NewReader(text + loginPacket)
			r := io.Reader(all)
			if chunked {
				r = iotest.OneByteReader(r)
			}
			h, found, rest, err := Read(r)
			var source netip.AddrPort
			if want != "" {
				source = netip.MustParseAddrPort(want)
			}
			if err != nil || !found || len(rest) > 0 || h.Source != source {
				t.Errorf("%q: %+v %v %q %v", text, h, found, rest, err)
			}
			if left, _ := io.ReadAll(all); string(left) != loginPacket {
				t.Errorf("%q: behind the header is left %q", text, left)
			}
		}
	}
}

func TestNoHeader(t *testing.T) {
	for _, text := range []string{loginPacket, "proxy TCP4 1.1.1.1 1.1.1.1 1 1\r\n", "GET / HTTP/1.1\r\n\r\n"} {
		r := strings.NewReader(text)
		_, found, rest, err := Read(r)
		if left, _ := io.ReadAll(r); found || err != nil || string(rest)+string(left) != text {
			t.Errorf("%q: %v %q %v", text, found, rest, err)
		}
	}
}

func TestMalformed(t *testing.T) {
	for _, text := range []string{
		"PROXY TCP4 192.0.2.7 10.0.0.1 56324\r\n",
		"PROXY TCP4 192.0.2.7 10.0.0.1 56324 3306 1\r\n",
		"PROXY TCP4  192.0.2.7 10.0.0.1 56324 3306\r\n",
		"PROXY TCP4 2001:db8::7 10.0.0.1 56324 3306\r\n",
		"PROXY TCP6 192.0.2.7 2001:db8::1 56324 3306\r\n",
		"PROXY TCP6 fe80::1%eth0 2001:db8::1 56324 3306\r\n",
		"PROXY TCP4 192.0.2.7 nowhere 56324 3306\r\n",
		"PROXY TCP4 192.0.2.7 10.0.0.1 65536 3306\r\n",
		"PROXY TCP4 192.0.2.7 10.0.0.1 -1 3306\r\n",
		"PROXY TCP4 192.0.2.7 10.0.0.1 01 3306\r\n",
		"PROXY TCP4 192.0.2.7 10.0.0.1 1 x\r\n",
		"PROXY UDP4 192.0.2.7 10.0.0.1 1 2\r\n",
		"PROXY TCP4 192.0.2.7 10.0.0.1 56324 3306\n" + loginPacket,
		"PROXYTCP4 192.0.2.7 10.0.0.1 56324 3306\r\n",
		"PROXY UNKNOWN " + strings.Repeat("f", longest1) + "\r\n",
		"\r\n\r\n\x00\r\nQUIX\n\x21\x11\x00\x00",
		two(0x11, tcp4, strings.Repeat("x", 12)),
		two(0x22, tcp4, strings.Repeat("x", 12)),
		two(0x21, tcp4, strings.Repeat("x", 11)),
		two(0x21, tcp6, strings.Repeat("x", 35)),
		two(0x21, 0, strings.Repeat("x", MaxHeader-15)),
		signature2 + "\x21\x11\xff\xff",
	} {
		var bad *Error
		if h, _, _, err := Read(strings.NewReader(text)); !errors.As(err, &bad) {
			t.Errorf("%q: %+v %v", text, h, err)
		}
	}
}

func TestCutShort(t *testing.T) {
	for text := range good {
		for n := range len(text) - 1 {
			if h, _, _, err := Read(strings.NewReader(text[:n])); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("%q: %+v %v", text[:n], h, err)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	for text := range good {
		f.Add([]byte(text + loginPacket))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r := strings.NewReader(string(text))
		_, found, rest, err := Read(r)
		read := len(text) - r.Len()
		if read > MaxHeader || !found && err == nil && (read != len(rest) || string(rest) != string(text[:read])) {
			t.Fatalf("%q: read %d, rest %q, %v", text, read, rest, err)
		}
	})
}
