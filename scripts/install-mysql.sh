#!/usr/bin/env bash
# Gets a real MySQL server into .cache/mysql, beside MariaDB, which has no package of it
# in Debian's releases or clashes with it; quick and silent where it is there already.
#   install-mysql.sh
#
# The packages are those of Debian sid, found, checked against Debian's keys and loaded by
# debootstrap, and unpacked here: nothing of them is installed, no script of theirs runs, and no
# root is needed once debootstrap is there. They run with the C library they were built for:
# .cache/mysql/current/bin/mysqld and bin/mysql see to that, so that any Linux will do.
#
# DEBIAN_MIRROR names another mirror than deb.debian.org.
set -euo pipefail
cd "$(dirname "$0")/.."

cache=$PWD/.cache/mysql
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
PATH=$PATH:/usr/sbin:/sbin

runs() { [[ -x $cache/current/bin/mysqld ]] && "$cache/current/bin/mysqld" --no-defaults --version >/dev/null 2>&1; }

fail() {
	echo "MySQL could not be got: $1" >&2
	shift
	printf '%s\n' "$@" >&2
	exit 1
}

mkdir -p "$cache"
exec 9>"$cache/lock" # two of us at once would tread on each other
flock 9
if runs; then
	exit 0
fi

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
# A real MySQL that is installed does as well; Debian's mysqld is MariaDB's.
if ! command -v apt-get >/dev/null && said=$(mysqld --no-defaults --version 2>/dev/null) && [[ $said != *MariaDB* ]]; then
	exit 0
fi
scripts/install-deps.sh mysql

echo "Loading MySQL's packages from $mirror (80 MB; this is done once)"
work=$cache/work
trap 'rm -rf "$work"' EXIT
load() {
	rm -rf "$work"
	debootstrap --download-only --force-check-gpg --keyring="$keyring" --variant=minbase \
		--include=mysql-server-core,mysql-client-core sid "$work/load" "$mirror" >"$cache/load.log" 2>&1
}
if ! load && ! load; then # sid moves: a package may be replaced while it is being loaded
	fail "debootstrap failed, its last words (the whole: $cache/load.log):" "$(grep -v '^I: ' "$cache/load.log" | tail -n 5)" \
		"It needs $mirror; DEBIAN_MIRROR=URL names another mirror."
fi

packages=$work/load/var/cache/apt/archives
tree=$work/tree
mkdir "$tree"
for package in "$packages"/mysql-*.deb "$packages"/{lib,zlib}*.deb; do
	dpkg-deb --fsys-tarfile "$package" | tar -x -C "$tree" --no-same-owner \
		--exclude=./etc --exclude=./var --exclude='./usr/share/[!m]*' --exclude=./usr/share/man --exclude=./usr/share/misc \
		--exclude='./usr/lib/*/gconv' --exclude='./usr/lib/*/perl*' --exclude='./usr/bin/mysql?*' --exclude='./usr/bin/[!m]*'
done

loader=$(cd "$tree" && find usr/lib usr/lib64 -name 'ld-linux*.so.*' 2>/dev/null | head -n 1) || true
libc=$(cd "$tree" && find usr/lib -name libc.so.6 | head -n 1)
[[ -n $loader && -n $libc && -x $tree/usr/sbin/mysqld ]] || fail "the packages are not laid out as they used to be"

outside=$("$tree/$loader" --library-path "$tree/$(dirname "$libc")" --list "$tree/usr/sbin/mysqld" | grep '=> ' | grep -vF "=> $tree/") || true
[[ -z $outside ]] || fail "these libraries would be this machine's:" "$outside"

# The loader of these programs' own C library starts them; they look for their files below /usr
# unless told otherwise, and OpenSSL for the settings of this machine's, which need not fit.
mkdir "$tree/bin"
wrap() { # wrap PROGRAM [FOLLOWING ARGUMENTS]
	cat >"$tree/bin/$(basename "$1")" <<-END
		#!/bin/sh
		root=\$(cd "\$(dirname "\$(readlink -f "\$0")")/.." && pwd -P)
		OPENSSL_CONF=/dev/null exec "\$root/$loader" --argv0 "\$root/$1" --library-path "\$root/$(dirname "$libc")" "\$root/$1" "\$@" $2
	END
	chmod +x "$tree/bin/$(basename "$1")"
}
# shellcheck disable=SC2016 # the wrapper expands them
wrap usr/sbin/mysqld '--basedir="$root/usr" --plugin-dir="$root/usr/lib/mysql/plugin" --lc-messages-dir="$root/usr/share/mysql" --character-sets-dir="$root/usr/share/mysql/charsets"'
wrap usr/bin/mysql ''

said=$("$tree/bin/mysqld" --no-defaults --version 2>&1) || fail "the server does not run:" "$said"
[[ $said =~ Ver\ ([0-9.]+) ]] || fail "the server does not say its version: $said"
version=${BASH_REMATCH[1]}
rm -rf "${cache:?}/$version"
mv "$tree" "$cache/$version"
ln -sfn "$version" "$cache/current"
runs || fail "it does not run from $cache/$version"
echo "MySQL $version is in $cache/$version"
