#!/usr/bin/env bash
# Installs what a task needs beside Go, where it is missing; quick and silent where
# nothing is.
#   install-deps.sh run|test|bench|mysql
#
# On Debian and Ubuntu packages come from apt. mariadb-server-core has the server's
# programs only: unlike mariadb-server it starts no server and takes no port. Elsewhere it is
# said what to install.
set -euo pipefail

# Distributions keep servers in folders that a user's PATH may not have.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/libexec

task=${1:?run, test, bench or mysql}
programs=(mariadbd mariadb-install-db mariadb)
# What integration/drivers runs: languages, and their drivers and ORMs. npm's own are install-node-packages.sh's.
drivers=(node npm php php:mysqli php:pdo_mysql javac /usr/share/java/mariadb-java-client.jar gcc /usr/include/mariadb/mysql.h
	perl perl:DBD::mysql perl:DBD::MariaDB /usr/bin/python3 python3:pymysql python3:MySQLdb python3:sqlalchemy python3:django)
case $task in
run) ;;
test) programs+=(sysbench "${drivers[@]}") ;;
bench) programs+=(sysbench haproxy) ;;
mysql) programs=(debootstrap dpkg-deb gpgv /usr/share/keyrings/debian-archive-keyring.gpg) ;; # for install-mysql.sh
*)
	echo "install-deps.sh: unknown task $task" >&2
	exit 2
	;;
esac

# have NAME: the program, the file with that path, or the module of a language is there.
have() {
	case $1 in
	php:*) php -r "exit(extension_loaded('${1#*:}') ? 0 : 1);" 2>/dev/null ;;
	perl:*) perl "-M${1#*:}" -e 1 2>/dev/null ;;
	# The distribution's interpreter, which has the distribution's modules.
	python3:*) /usr/bin/python3 -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('${1#*:}') is None)" 2>/dev/null ;;
	*) [[ -e $1 ]] || command -v "$1" >/dev/null ;;
	esac
}

missing=()
for program in "${programs[@]}"; do
	have "$program" || missing+=("$program")
done
if ((${#missing[@]} == 0)); then
	exit 0
fi

# package_of PROGRAM: the Debian package that has it.
package_of() {
	case $1 in
	mariadbd | mariadb-install-db) echo mariadb-server-core ;;
	mariadb) echo mariadb-client ;;
	dpkg-deb) echo dpkg ;;
	node) echo nodejs ;;
	php) echo php-cli ;;
	php:*) echo php-mysql ;;
	javac) echo default-jdk-headless ;;
	*/mariadb-java-client.jar) echo libmariadb-java ;;
	*/mysql.h) echo libmariadb-dev ;;
	perl:DBD::mysql) echo libdbd-mysql-perl ;;
	perl:DBD::MariaDB) echo libdbd-mariadb-perl ;;
	*/python3) echo python3 ;;
	python3:MySQLdb) echo python3-mysqldb ;;
	python3:*) echo "python3-${1#*:}" ;;
	*/debian-archive-keyring.gpg) echo debian-archive-keyring ;;
	*) echo "$1" ;;
	esac
}

if ! command -v apt-get >/dev/null; then
	if [[ $task == mysql ]]; then
		cat >&2 <<-END
			Missing: ${missing[*]}. MySQL is taken from Debian's packages: install debootstrap,
			dpkg, gpgv and debian-archive-keyring, then try again; or install a MySQL server, 8.0.29 or later.
		END
		exit 1
	fi
	cat >&2 <<-END
		Missing: ${missing[*]}. Install them, then try again:
		  Fedora, RHEL:  sudo dnf install mariadb-server mariadb sysbench haproxy
		  Arch:          sudo pacman -S mariadb sysbench haproxy
		  Alpine:        sudo apk add mariadb mariadb-client sysbench haproxy
		(sysbench is for make test only, haproxy for make bench only; no server need be started. make test also needs the
		drivers that integration/drivers/README.md lists.)
	END
	exit 1
fi

as_root=()
if ((EUID != 0)); then
	if ! command -v sudo >/dev/null; then
		echo "Missing: ${missing[*]}. As root: apt-get install --no-install-recommends $(for p in "${missing[@]}"; do package_of "$p"; done | sort -u | xargs)" >&2
		exit 1
	fi
	as_root=(sudo)
fi

apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@"; }

# known PACKAGE: the package lists have it.
known() { [[ -n $(apt-cache --quiet=0 show --no-all-versions "$1" 2>/dev/null) ]]; }

updated=
update() {
	if [[ -z $updated ]]; then
		apt update
		updated=yes
	fi
}

# resolve PACKAGE: some releases of Ubuntu have the package under a name with a version only.
resolve() {
	if known "$1"; then
		echo "$1"
		return
	fi
	local versioned
	versioned=$(apt-cache search --names-only "^$1-[0-9.]+\$" | cut -d' ' -f1 | sort -V | tail -n1)
	if [[ -z $versioned ]]; then
		echo "no package $1 in the lists of apt" >&2
		return 1
	fi
	echo "$versioned"
}

wanted=$(for p in "${missing[@]}"; do package_of "$p"; done | sort -u)
for package in $wanted; do
	known "$package" || update
done
packages=()
for package in $wanted; do
	packages+=("$(resolve "$package")")
done

echo "Installing ${packages[*]} (missing: ${missing[*]})"
if ! apt install --no-install-recommends "${packages[@]}"; then
	# The lists may name versions that the mirror no longer has.
	[[ -z $updated ]] || exit 1
	update
	apt install --no-install-recommends "${packages[@]}"
fi

hash -r
for program in "${missing[@]}"; do
	if ! have "$program"; then
		echo "installed ${packages[*]}, but there is still no $program" >&2
		exit 1
	fi
done
