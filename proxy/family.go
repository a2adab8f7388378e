package proxy

import "strings"

// mariaDB says whether the shards are MariaDB servers; MySQL ones have other names and codes for some things. Until one
// has answered they are taken for MariaDB.
func (p *Proxy) mariaDB() bool {
	v := p.version.Load()
	return v == nil || strings.Contains(strings.ToLower(*v), "mariadb")
}
