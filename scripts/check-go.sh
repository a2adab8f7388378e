#!/usr/bin/env bash
# Checks that Go is there and new enough, and says what to do where it is not.
set -euo pipefail

go=${1:-go}
need_major=1 need_minor=26

advice="Lockstep is built with Go $need_major.$need_minor or later: see https://go.dev/doc/install"

if ! command -v "$go" >/dev/null; then
	echo "Go is not installed. $advice" >&2
	exit 1
fi
# From the module's folder a Go since 1.21 answers as the version it would switch to.
found=$("$go" version 2>/dev/null || (cd / && "$go" version)) || true
if [[ ! $found =~ go([0-9]+)\.([0-9]+) ]]; then
	if [[ $found != *devel* ]]; then
		echo "\"$go version\" answers \"$found\". $advice" >&2
		exit 1
	fi
elif ((BASH_REMATCH[1] < need_major || (BASH_REMATCH[1] == need_major && BASH_REMATCH[2] < need_minor))); then
	echo "Go ${BASH_REMATCH[1]}.${BASH_REMATCH[2]} is too old. $advice" >&2
	exit 1
fi
