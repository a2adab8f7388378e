package proxyproto

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// parse1 reads the line of version 1, without its end:
//
//	PROXY TCP4|TCP6 source destination source-port destination-port
//	PROXY UNKNOWN …
func parse1(line string) (Header, error) {
	word := strings.Split(line, " ")
	if len(word) >= 2 && word[0] == signature1 && word[1] == "UNKNOWN" {
		return Header{}, nil
	}
	if len(word) != 6 || word[0] != signature1 || word[1] != "TCP4" && word[1] != "TCP6" {
		return Header{}, &Error{fmt.Sprintf("%q is not a line of version 1", line)}
	}
	source, err := endpoint1(word[1], word[2], word[4])
	if err != nil {
		return Header{}, err
	}
	if _, err := endpoint1(word[1], word[3], word[5]); err != nil {
		return Header{}, err
	}
	return Header{Source: source}, nil
}

func endpoint1(family, address, port string) (netip.AddrPort, error) {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Is4() != (family == "TCP4") || a.Zone() != "" {
		return netip.AddrPort{}, &Error{fmt.Sprintf("%q is not an address of %s", address, family)}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || strconv.FormatUint(n, 10) != port {
		return netip.AddrPort{}, &Error{fmt.Sprintf("%q is not a port", port)}
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(n)), nil
}

// parse2 reads version 2 behind its signature. Addresses other than TCP's are no client's; further fields behind the
// addresses are of no interest.
func parse2(command, family byte, body []byte) (Header, error) {
	if command>>4 != 2 || command&0xf > 1 {
		return Header{}, &Error{fmt.Sprintf("command %#x is not one of version 2", command)}
	}
	if command&0xf == 0 {
		return Header{}, nil // LOCAL: the proxy itself
	}
	var size int
	switch family {
	case tcp4:
		size = 4
	case tcp6:
		size = 16
	default:
		return Header{}, nil
	}
	if len(body) < 2*size+4 {
		return Header{}, &Error{fmt.Sprintf("%d bytes do not hold the addresses of family %#x", len(body), family)}
	}
	a, _ := netip.AddrFromSlice(body[:size]) // size is one that it takes
	return Header{Source: netip.AddrPortFrom(a.Unmap(), binary.BigEndian.Uint16(body[2*size:]))}, nil
}
