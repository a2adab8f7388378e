package admin

import (
	"fmt"

	"lockstep/coordinator"
)

// makers are transaction managers by the formatID of their XIDs, as their sources or manuals give it.
var makers = map[int64]string{
	1:                    "XA statements without a formatID (1 is the servers' default), or a driver's own",
	9752:                 "Seata",
	48801:                "Oracle WebLogic",
	131077:               "Narayana (JBoss, WildFly, Quarkus)",
	1096044365:           "Atomikos",
	1113875320:           "Bitronix",
	1197822575:           "Apache Geronimo",
	1463898948:           "IBM WebSphere",
	coordinator.FormatID: "Lockstep, of another cluster",
}

// makerOf says who may have made a stranger's transaction.
func makerOf(formatID int64) string {
	if m, ok := makers[formatID]; ok {
		return fmt.Sprintf("formatID %d: %s", formatID, m)
	}
	return fmt.Sprintf("formatID %d, which says nothing here", formatID)
}
