package cluster

// StartProxy is Start of the first proxy. The methods here say which proxy they mean where Start
// or Kill of a cluster would not.
func (c *Cluster) StartProxy(env ...string) {
	c.t.Helper()
	c.Proxy.Start(env...)
}

// TryProxy is TryStart of the first proxy.
func (c *Cluster) TryProxy(env ...string) error { return c.Proxy.TryStart(env...) }

// KillProxy is Kill of the first proxy.
func (c *Cluster) KillProxy() { c.Proxy.Kill() }

// StopProxy is Stop of the first proxy.
func (c *Cluster) StopProxy() { c.Proxy.Stop() }

// ProxyEnded is Ended of the first proxy.
func (c *Cluster) ProxyEnded() <-chan struct{} { return c.Proxy.Ended() }

// ProxyPid is Pid of the first proxy.
func (c *Cluster) ProxyPid() int { return c.Proxy.Pid() }

// ProxyOutput is Output of the first proxy.
func (c *Cluster) ProxyOutput() string { return c.Proxy.Output() }
