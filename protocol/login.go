package protocol

// Login is what the client said when it logged in.
type Login struct {
	User         string
	Database     string
	Charset      byte
	Capabilities Capability
	Extended     Extended // MariaDB's own
	Attributes   map[string]string
	Plugin       string // by which it has proved who it is
}

const (
	sslRequestSize = 32
	// maxUserName is in bytes: MariaDB allows 128 characters.
	maxUserName = 512
	// maxAttributes bounds the connection attributes, names and values together, in bytes (MySQL's
	// limit too); those of a client that sends more are dropped.
	maxAttributes = 64 << 10
)

// loginRequest is a HandshakeResponse41 or a COM_CHANGE_USER. Bytes alias the packet.
type loginRequest struct {
	Login
	maxPacket uint32
	plugin    string // "" from a client that knows no plugins
	response  []byte
	zstdLevel byte // with CLIENT_ZSTD_COMPRESSION_ALGORITHM
}

func badHandshake(why string) *ServerError {
	return NewError(ErrHandshake, "Bad handshake: %s", why)
}

// parseHandshakeResponse reads Protocol::HandshakeResponse41. All errors are
// *ServerError 1043.
func parseHandshakeResponse(payload []byte, offered Capability) (*loginRequest, error) {
	c := cursor{rest: payload}
	var r loginRequest
	caps := Capability(c.uint32())
	r.maxPacket = c.uint32()
	r.Charset = c.uint8()
	c.take(19)
	extended := Extended(c.uint32())
	switch {
	case len(payload) >= 2 && !caps.Has(ClientProtocol41):
		return nil, badHandshake("the client speaks a protocol older than MySQL 4.1")
	case c.bad:
		return nil, badHandshake("the login packet is cut short")
	case caps.Has(ClientSSL) && len(payload) == sslRequestSize:
		return nil, badHandshake("the client asks for TLS, which this server does not offer")
	}
	r.Capabilities = caps & offered
	if !caps.Has(ClientLongPassword) {
		r.Extended = extended
	}
	user := c.nulBytes()
	switch {
	case r.Capabilities.Has(ClientPluginAuthLenencClientData):
		r.response = c.lenencBytes()
	case r.Capabilities.Has(ClientSecureConnection):
		r.response = c.take(int(c.uint8()))
	default:
		r.response = c.nulBytes()
	}
	if c.bad {
		return nil, badHandshake("the login packet is cut short")
	}
	if len(user) > maxUserName {
		return nil, badHandshake("the user name is too long")
	}
	r.User = string(user)
	if r.Capabilities.Has(ClientConnectWithDB) {
		r.Database = string(c.nulOrEnd())
	}
	if r.Capabilities.Has(ClientPluginAuth) {
		r.plugin = string(c.nulOrEnd())
	}
	if err := r.readAttributes(&c); err != nil {
		return nil, err
	}
	if r.Capabilities.Has(ClientZstdCompressionAlgorithm) && len(c.rest) > 0 {
		r.zstdLevel = c.uint8()
	}
	return &r, nil
}

// parseChangeUser reads COM_CHANGE_USER behind its command byte, sent under the capabilities
// of the login. All errors are *ServerError 1043.
func parseChangeUser(payload []byte, caps Capability) (*loginRequest, error) {
	c := cursor{rest: payload}
	r := loginRequest{Login: Login{Capabilities: caps}}
	user := c.nulBytes()
	if caps.Has(ClientSecureConnection) {
		r.response = c.take(int(c.uint8()))
	} else {
		r.response = c.nulBytes()
	}
	r.Database = string(c.nulOrEnd())
	if c.bad {
		return nil, badHandshake("COM_CHANGE_USER is cut short")
	}
	if len(user) > maxUserName {
		return nil, badHandshake("the user name is too long")
	}
	r.User = string(user)
	if len(c.rest) > 0 {
		if r.Charset = byte(c.uint16()); c.bad {
			return nil, badHandshake("COM_CHANGE_USER is cut short")
		}
	}
	if caps.Has(ClientPluginAuth) && len(c.rest) > 0 {
		r.plugin = string(c.nulOrEnd())
	}
	if err := r.readAttributes(&c); err != nil {
		return nil, err
	}
	return &r, nil
}

func (r *loginRequest) readAttributes(c *cursor) error {
	if !r.Capabilities.Has(ClientConnectAttrs) || len(c.rest) == 0 {
		return nil
	}
	all := c.lenencBytes()
	if c.bad {
		return badHandshake("the connection attributes are cut short")
	}
	if len(all) > maxAttributes {
		return nil
	}
	r.Attributes = make(map[string]string)
	for a := (cursor{rest: all}); len(a.rest) > 0; {
		key, value := a.lenencBytes(), a.lenencBytes()
		if a.bad {
			return badHandshake("the connection attributes are malformed")
		}
		r.Attributes[string(key)] = string(value)
	}
	return nil
}
