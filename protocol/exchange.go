package protocol

// exchange is one authentication.
type exchange struct {
	auth         *Authenticator
	conn         *Conn
	challenge    []byte // of client_ed25519; the others answer the greeting's
	usedPassword bool
}

// choosePlugin settles on a plugin that the client has and that can check the account, switching the
// client to it if need be, and returns the client's response under it (its own memory).
func (e *exchange) choosePlugin(r *loginRequest, account *Account, g *Greeting) (string, []byte, error) {
	theirs := r.plugin
	if theirs == "" {
		theirs = PluginNativePassword // what clients without plugins speak
	}
	kind := account.kind()
	ours := g.plugin()
	switch {
	case !account.fits(kind, theirs):
	case theirs == PluginEd25519:
		ours = theirs // its challenge is another one than the greeting's
	case len(r.response) > 0 || theirs == g.plugin() || !r.Capabilities.Has(ClientPluginAuth):
		return theirs, append([]byte(nil), r.response...), nil
	default:
		// A client that was told to use another plugin than the greeting's has no
		// challenge for it yet: its empty response is no answer, but a question.
		ours = theirs
	}
	if !account.fits(kind, ours) {
		ours = kind.plugin()
	}
	if !r.Capabilities.Has(ClientPluginAuth) {
		return "", nil, NewError(ErrNotSupportedAuthMode,
			"Client does not support authentication protocol requested by server; consider upgrading MySQL client")
	}
	response, err := e.switchTo(ours)
	return ours, append([]byte(nil), response...), err
}

// switchTo tells the client to use another plugin and returns its response, valid until the next read.
func (e *exchange) switchTo(plugin string) ([]byte, error) {
	p := append(append([]byte{headerEOF}, plugin...), 0)
	switch plugin {
	case PluginEd25519:
		var err error
		if e.challenge, err = e.ed25519Challenge(); err != nil {
			return nil, err
		}
		p = append(p, e.challenge...) // 32 bytes and no zero: clients count them
	case PluginClearPassword:
	default:
		p = append(append(p, e.conn.nonce[:]...), 0)
	}
	return e.ask(p)
}

// ask sends a packet and reads the client's answer to it, valid until the next read.
func (e *exchange) ask(p []byte) ([]byte, error) {
	if err := e.conn.WritePacket(p); err != nil {
		return nil, err
	}
	if err := e.conn.Flush(); err != nil {
		return nil, err
	}
	return e.conn.ReadPacket()
}

// verify checks the client's response to the challenge.
func (e *exchange) verify(plugin string, account *Account, response []byte) (bool, error) {
	// Some clients send the empty password as a string that ends in zero.
	e.usedPassword = len(response) > 1 || len(response) == 1 && response[0] != 0
	if !e.usedPassword || account.empty() {
		return !e.usedPassword && account.empty(), nil
	}
	switch plugin {
	case PluginCachingSHA2Password:
		return e.cachingSHA2(account, response)
	case PluginEd25519:
		return e.checkEd25519(account, response)
	case PluginClearPassword:
		password, err := trimPassword(response)
		if err != nil {
			return false, err
		}
		return account.checkClear(password)
	}
	return checkNative(response, account.nativeHash(), &e.conn.nonce), nil
}
