#!/usr/bin/env bash
# Measures what the daemon costs and how soon it tells, for the table in packaging/bench/README.md.
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

# shellcheck source=packaging/bench/common.sh
source packaging/bench/common.sh
read_options '[a-z]+' latency,idle "$@"
check_machine
measure daemon
