package cluster

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// adminTimeout bounds one request to the admin port.
const adminTimeout = 30 * time.Second

// Get asks the admin port and decodes the JSON answer into out, which may be nil.
func (p *Proxy) Get(path string, out any) error {
	status, body, err := p.request(http.MethodGet, path, nil)
	return decode("GET "+path, status, body, err, out)
}

// Post sends in as JSON to the admin port and decodes the answer into out; both may be nil.
func (p *Proxy) Post(path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("encode the body of POST %s: %w", path, err)
		}
	}
	status, answer, err := p.request(http.MethodPost, path, body)
	return decode("POST "+path, status, answer, err, out)
}

// Text is the body of a page of the admin port, such as /metrics, with its status.
func (p *Proxy) Text(path string) (status int, body string, err error) {
	return p.request(http.MethodGet, path, nil)
}

func (p *Proxy) request(method, path string, in []byte) (status int, body string, err error) {
	var r io.Reader
	if in != nil {
		r = bytes.NewReader(in)
	}
	rq, err := http.NewRequest(method, "http://"+p.Admin+path, r)
	if err != nil {
		return 0, "", err
	}
	if in != nil {
		rq.Header.Set("Content-Type", "application/json")
	}
	// No connection outlives its request: the proxy at the other end may be killed at any time.
	client := http.Client{Timeout: adminTimeout, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(rq)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<24))
	return resp.StatusCode, string(b), err
}

func decode(what string, status int, body string, err error, out any) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if status != http.StatusOK {
		return fmt.Errorf("%s: status %d: %s", what, status, body)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal([]byte(body), out); err != nil {
		return fmt.Errorf("%s: decode the answer: %w", what, err)
	}
	return nil
}
