package proxy

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"lockstep/config"
	"lockstep/protocol"
	"lockstep/proxy/proxyproto"
)

func TestRefusalOf(t *testing.T) {
	for want, errs := range map[string][]error{
		refusedTLSRequired:     {&insecureError{protocol.NewError(1045, "x")}, protocol.NewError(3159, "x")},
		refusedHeader:          {&proxyproto.Error{Why: "x"}},
		refusedTimeout:         {fmt.Errorf("read packet: %w", os.ErrDeadlineExceeded), &protocol.TLSError{Err: os.ErrDeadlineExceeded}},
		refusedTLS:             {&protocol.TLSError{Err: io.EOF}},
		refusedPacket:          {&protocol.PacketTooLargeError{}},
		refusedHandshake:       {&protocol.SequenceError{}, protocol.NewError(1043, "x"), protocol.NewError(1251, "x")},
		refusedAccess:          {protocol.NewError(1045, "x"), errors.Join(protocol.NewError(1045, "x"), net.ErrClosed)},
		refusedUserConnections: {protocol.NewError(1226, "x")},
		refusedDatabase:        {protocol.NewError(1044, "x"), protocol.NewError(1049, "x")},
		refusedLeft:            {io.EOF, net.ErrClosed},
	} {
		for _, err := range errs {
			if got := refusalOf(err); got != want {
				t.Errorf("%v: %s, want %s", err, got, want)
			}
		}
	}
}

func TestOriginsTrust(t *testing.T) {
	o, err := newOrigins(config.ProxyProtocol{From: []string{"10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "::ffff:198.51.100.1"}, Mode: config.HeaderRequired})
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{
		"10.1.2.3": true, "11.1.2.3": false, "192.0.2.1": true, "192.0.2.2": false, "2001:db8::1": true, "2001:db9::1": false,
		"::ffff:10.1.2.3": true, "198.51.100.1": true,
	} {
		if got := o.trusts(&net.TCPAddr{IP: net.ParseIP(address), Port: 1}); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	if o.trusts(&net.UnixAddr{Name: "10.1.2.3"}) || (&origins{}).trusts(&net.TCPAddr{IP: net.ParseIP("10.1.2.3")}) {
		t.Error("trusts one that is not listed")
	}
}

func TestBoundAttributes(t *testing.T) {
	all := map[string]string{"program_name": "till", "a": strings.Repeat("x", 50), "b": "y", "_pid": "7"}
	for limit, want := range map[int]map[string]string{
		1000: all,
		30:   {"program_name": "till", "_pid": "7", "b": "y"},
		16:   {"program_name": "till"},
		2:    {"b": "y"},
		0:    {},
	} {
		kept, dropped := boundAttributes(all, limit)
		if !maps.Equal(kept, want) || dropped != len(all)-len(want) {
			t.Errorf("%d bytes: %v, %d dropped", limit, kept, dropped)
		}
	}
}

func TestPendingIsCountedOnce(t *testing.T) {
	var r registry
	r.init()
	l := &config.Limits{MaxConnections: 3, MaxUnauthenticated: 2}
	a, b, c := &session{}, &session{}, &session{}
	if r.add(a, l) != "" || r.add(b, l) != "" {
		t.Fatal("no place")
	}
	if why := r.add(c, l); why != refusedUnauthenticated {
		t.Errorf("the third: %q", why)
	}
	r.arrived(a)
	r.arrived(a)
	if r.unauthenticated() != 1 || r.add(c, l) != "" {
		t.Error("one has logged in, and there is no place")
	}
	r.arrived(b)
	if why := r.add(&session{}, l); why != refusedConnections {
		t.Errorf("the fourth: %q", why)
	}
	for _, s := range []*session{a, b, c} {
		r.arrived(s)
		r.remove(s)
	}
	if r.unauthenticated() != 0 || r.count() != 0 {
		t.Errorf("%d, %d left", r.unauthenticated(), r.count())
	}
}

// Refusing costs nothing that the client could keep.
func TestRefuse(t *testing.T) {
	p := &Proxy{}
	p.metrics = newMetrics(p)
	near, far := net.Pipe()
	go p.refuse(far, refusedConnections)
	_ = near.SetDeadline(time.Now().Add(5 * time.Second))
	said, err := io.ReadAll(near)
	if err != nil || !strings.Contains(string(said), "Too many connections (limits.max_connections)") || said[3] != 0 || said[4] != 0xff {
		t.Errorf("%q %v", said, err)
	}
}
