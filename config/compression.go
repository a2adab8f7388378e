package config

// On and Off are the values of a switch.
const (
	On  = "on"
	Off = "off"
)

func (s *source) checkCompression(c *Config) {
	s.fill(&c.ClientCompression, "client_compression", On)
	if c.ClientCompression != On && c.ClientCompression != Off {
		s.find("client_compression", "unknown client_compression %q: use on or off", c.ClientCompression)
	}
}
