#!/usr/bin/env bash
# Measures what the daemon costs and how soon it tells, for the table in the README.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() {
    cat <<'END'
Usage: packaging/bench/daemon.sh [--repeat COUNT] [--quick] [--rows ROWS]

Makes the load, and prints a table with the facts of the machine: how long it takes from a lock that is taken to a
subscriber, beside what a user would otherwise run; what the daemon uses while nothing happens, beside a build, in a storm of
locks and with a thousand waiters; and what it costs cargo. One repetition takes some twenty minutes, with --quick three.

  --repeat COUNT  measures so many times, to see how far the numbers spread
  --quick         fewer runs and shorter ones, for a first impression
  --rows ROWS     some of latency,idle,build,storm,waiters,cost

It needs Linux and cargo; lslocks (package util-linux) and lsof are what it is compared with, where they are installed. The
user must be allowed 6,000 processes (`ulimit -u`). Let the machine do nothing else meanwhile.

Exit status: 0 where all budgets are met, 1 where one is missed or could not be measured at all, 2 where something needed
is not there.
END
}

fail() {
    printf 'daemon.sh: %s\n' "$*" >&2
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
            [[ ${2:-} =~ ^[a-z]+(,[a-z]+)*$ ]] || fail "--rows needs rows, such as latency,idle"
            options+=("$1" "$2")
            shift 2
            ;;
        *) fail "what is $1? See --help" ;;
    esac
done

[[ $(uname -s) == Linux ]] || fail "this is a measurement for Linux"
command -v cargo >/dev/null || fail "cargo is not in PATH"
limit=$(ulimit -u)
[[ $limit == unlimited ]] || ((limit >= 6000)) || fail "only $limit processes are allowed (\`ulimit -u\`), and 6000 are needed"

cargo bench -p lockwatch --bench daemon --no-run
missed=0
for ((number = 1; number <= repeat; number++)); do
    ((repeat == 1)) || printf '\nmeasurement %d of %d\n' "$number" "$repeat"
    cargo bench --quiet -p lockwatch --bench daemon -- ${options[@]+"${options[@]}"} || missed=1
done
exit "$missed"
