#!/usr/bin/env bash
# Unpacks the web applications that integration/apps clicks through below .cache/apps: WordPress and Adminer, as
# Debian has them. Quick and silent where they are there already.
#   install-apps.sh
#
# apt loads the packages and checks them against Debian's keys; nothing of them is installed, no script of
# theirs runs, and no root is needed. PHP itself and Django are install-deps.sh's.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p .cache/apps
cache=$PWD/.cache/apps
exec 9>"$cache/lock" # two of us at once would tread on each other
flock 9

missing=()
for app in wordpress adminer; do
	[[ -e $cache/$app/complete ]] || missing+=("$app")
done
if ((${#missing[@]} == 0)); then
	exit 0
fi
if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
	echo "Missing: ${missing[*]}. They are taken from Debian's packages, with apt-get and dpkg; elsewhere the tests of these applications are skipped."
	exit 0
fi

work=$cache/work
trap 'rm -rf "$work"' EXIT
rm -rf "$work"
mkdir "$work"

# load PACKAGE: into the current folder.
load() { apt-get -q download "$1" 2>&1 || { ((EUID == 0)) && apt-get -q update && apt-get -q download "$1"; }; }

for app in "${missing[@]}"; do
	echo "Loading $app (this is done once)"
	packages=("$app")
	[[ $app != wordpress ]] || packages+=(wordpress-theme-twentytwentythree)
	mkdir "$work/$app" "$work/$app.deb"
	for package in "${packages[@]}"; do
		if ! said=$(cd "$work/$app.deb" && load "$package"); then
			printf '%s could not be loaded:\n%s\n' "$package" "$said" >&2
			exit 1
		fi
	done
	for deb in "$work/$app.deb"/*.deb; do
		dpkg -x "$deb" "$work/$app"
	done
	if [[ $app == wordpress ]]; then
		# Debian's own looks below /etc; the tests say by the environment where theirs is.
		echo "<?php require getenv('WORDPRESS_SETTINGS');" >"$work/$app/usr/share/wordpress/wp-config.php"
	fi
	touch "$work/$app/complete"
	rm -rf "${cache:?}/$app"
	mv "$work/$app" "$cache/$app"
done
