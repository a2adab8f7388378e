#!/usr/bin/env bash
# Runs every fuzz test of every package for a while, one after the other.
#   fuzz.sh TIME
set -euo pipefail

time=$1
found=0
while read -r package; do
	names=$(go test "$package" -list '^Fuzz' | grep '^Fuzz' || true)
	for name in $names; do
		found=$((found + 1))
		echo "$package $name"
		go test "$package" -run '^$' -fuzz "^$name\$" -fuzztime "$time" -fuzzminimizetime 100x
	done
done < <(go list ./...)
if ((found == 0)); then
	echo "no fuzz tests found" >&2
	exit 1
fi
