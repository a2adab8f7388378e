#!/usr/bin/env bash
# Fails where a Go file is not in gofmt's form.
set -euo pipefail

unformatted=$(git ls-files -z --cached --others --exclude-standard '*.go' | xargs -0 --no-run-if-empty bash -c 'for f; do [[ ! -e $f ]] || echo "$f"; done' _ | xargs --no-run-if-empty gofmt -l)
if [[ -n $unformatted ]]; then
	echo "not in gofmt's form:" >&2
	echo "$unformatted" >&2
	exit 1
fi
