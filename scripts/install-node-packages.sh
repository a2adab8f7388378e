#!/usr/bin/env bash
# Puts the Node drivers and ORMs that integration/drivers runs below .cache/node, in the versions of its
# package-lock.json; quick where they are there. npm checks what it loads against the lock.
set -euo pipefail
cd "$(dirname "$0")/.."

from=integration/drivers/programs
to=.cache/node

if [[ -d $to/node_modules ]] && cmp -s "$from/package-lock.json" "$to/package-lock.json"; then
	exit 0
fi
mkdir -p "$to"
rm -f "$to/package-lock.json"
cp "$from/package.json" "$to/"
cp "$from/package-lock.json" "$to/wanted.json"
echo "Installing the Node packages of $from below $to"
# The lock gets its name last, so that one that was interrupted is done again.
(
	cd "$to"
	rm -rf load
	mkdir load
	cp package.json load/
	cp wanted.json load/package-lock.json
	cd load
	npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
)
rm -rf "$to/node_modules"
mv "$to/load/node_modules" "$to/node_modules"
rm -rf "$to/load"
mv "$to/wanted.json" "$to/package-lock.json"
