#!/usr/bin/env bash
# Measures what `lockwatch status` costs, for the table in the README: against lslocks, fuser and lsof, with 5,000
# processes against 100, and with 1,000 waiters on one lock.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() {
    cat <<'END'
Usage: packaging/bench/status.sh [--repeat COUNT] [--quick] [--rows 1,2,3]

Builds lockwatch with the C library linked in, as a package for Linux should have it, makes the load, and prints a table
with the facts of the machine. One repetition takes about five minutes, with --quick one.

  --repeat COUNT  measures so many times, to see how far the numbers spread
  --quick         fewer runs, for a first impression
  --rows ROWS     1: against the other tools; 2: 5,000 processes against 100; 3: 1,000 waiters on one lock

It needs Linux, cargo, the C library in a form to link in (package libc6-dev or glibc-static; without it lockwatch is
measured as `cargo build --release` makes it), and the tools that lockwatch is compared with: lslocks (package util-linux),
fuser (psmisc) and lsof (lsof). The user must be allowed 6,000 processes (`ulimit -u`). Let the machine do nothing else
meanwhile: the table says how much it did. Run it as the user whose tools these are; as root, fuser and lsof look into more
processes.

Exit status: 0 where all budgets are met, 1 where one is missed or could not be measured at all, 2 where something needed
is not there.
END
}

fail() {
    printf 'status.sh: %s\n' "$*" >&2
    exit 2
}

repeat=1
options=()
while (($# > 0)); do
    case $1 in
        --help | -h)
            usage
            exit
            ;;
        --repeat)
            repeat=${2:-}
            [[ $repeat =~ ^[1-9][0-9]*$ ]] || fail "--repeat needs a count, such as 3"
            shift 2
            ;;
        --quick)
            options+=("$1")
            shift
            ;;
        --rows)
            [[ ${2:-} =~ ^[1-3](,[1-3])*$ ]] || fail "--rows needs rows, such as 1,3"
            options+=("$1" "$2")
            shift 2
            ;;
        *) fail "what is $1? See --help" ;;
    esac
done

[[ $(uname -s) == Linux ]] || fail "this is a measurement for Linux"
command -v cargo >/dev/null || fail "cargo is not in PATH"
# Root's folders are not in everybody's PATH, but the tools may be there.
tool_path=$PATH:/usr/sbin:/sbin
for tool in lslocks:util-linux fuser:psmisc lsof:lsof; do
    PATH=$tool_path command -v "${tool%%:*}" >/dev/null ||
        fail "${tool%%:*} is not installed (package ${tool#*:}); \`cargo bench -p lockwatch --bench status\` measures without it"
done
limit=$(ulimit -u)
[[ $limit == unlimited ]] || ((limit >= 6000)) || fail "only $limit processes are allowed (\`ulimit -u\`), and 6000 are needed"

cargo bench -p lockwatch --bench status --no-run
missed=0
for ((number = 1; number <= repeat; number++)); do
    ((repeat == 1)) || printf '\nmeasurement %d of %d\n' "$number" "$repeat"
    PATH=$tool_path cargo bench --quiet -p lockwatch --bench status -- ${options[@]+"${options[@]}"} || missed=1
done
exit "$missed"
