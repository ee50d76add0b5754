#!/usr/bin/env bash
# Installs a package of lockwatch with apt, looks at what came, removes it and sees that nothing stays. It changes this system,
# so it is for a machine that can be thrown away; lockwatch must not be installed on it.
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: packaging/deb/try.sh FILE.deb" >&2
    exit 2
fi
package=$(realpath "$1")
as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)
fail() {
    echo "try.sh: $*" >&2
    exit 1
}

if dpkg-query --show lockwatch >/dev/null 2>&1; then
    fail "a lockwatch is installed; remove it with apt-get remove lockwatch"
fi
"${as_root[@]}" apt-get install --yes --no-install-recommends "$package"
mapfile -t files < <(dpkg --listfiles lockwatch | while read -r path; do [ -d "$path" ] || echo "$path"; done)
[ "${#files[@]}" -gt 20 ] || fail "the package has but ${#files[@]} files"

[ -z "$(dpkg-query --show --showformat='${Depends}' lockwatch)" ] || fail "the package needs others, though its programs have the C library linked in"

lockwatch --version
lockwatch-tray --version
home=$(mktemp -d)
trap 'rm -r "$home"' EXIT
# One look at this machine's locks, by the installed program.
LOCKWATCH_HOME=$home lockwatch status --json | grep -q '"schema_version": *1' || fail "status does not answer"
for page in lockwatch lockwatch-status lockwatch-service lockwatch-tray; do
    [ -e "/usr/share/man/man1/$page.1.gz" ] || fail "there is no man page of $page"
done
if command -v systemd-analyze >/dev/null; then
    # Where nobody is logged in there is no folder of that kind, and systemd-analyze wants one.
    XDG_RUNTIME_DIR=$home systemd-analyze verify --user /usr/lib/systemd/user/lockwatch.service /usr/lib/systemd/user/lockwatch-tray.service
fi

"${as_root[@]}" apt-get purge --yes lockwatch
for path in "${files[@]}"; do
    [ ! -e "$path" ] && [ ! -L "$path" ] || fail "$path has stayed"
done
[ ! -e /usr/share/doc/lockwatch ] || fail "/usr/share/doc/lockwatch has stayed"
if dpkg-query --show lockwatch >/dev/null 2>&1; then
    fail "dpkg still knows lockwatch"
fi
echo "try.sh: ${#files[@]} files came, and all are gone"
