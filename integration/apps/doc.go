// Package apps sets up real web applications through the proxy, over three shards, and clicks through
// them by HTTP. Nobody here wrote the applications: WordPress and Adminer as Debian has them, and Django's own admin.
//
//	browser ──▶ php -S, Django ──▶ proxy ──▶ s1, s2, s3
//	       └──▶ the same ────────▶ a plain server
//
// Invariants:
//
//   - Every step is done on both sides, with the same input, and both pages must be the same, but for what is drawn by lot
//     (nonces, salts) and the clock.
//   - A page is also asked for what it must say: two pages that fail alike are not taken for right.
//   - The applications come from packages (make apps gets them) and are not changed; tests of what is not there are skipped and say so.
package apps
