#!/usr/bin/env bash
# go test of the tests whose names match a pattern, failing where there is none:
# go test itself calls that a success.
#   run-selected.sh PACKAGE PATTERN [go test flags]
set -euo pipefail

package=$1 pattern=$2
shift 2
found=$(go test "$package" -list "$pattern")
if ! grep -q '^Test' <<<"$found"; then
	echo "no test in $package matches $pattern" >&2
	exit 1
fi
exec go test "$package" -run "$pattern" -count=1 "$@"
