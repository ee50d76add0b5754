#!/usr/bin/env bash
# Measures what `lockwatch status` costs, for the table in packaging/bench/README.md: against lslocks, fuser and lsof, with 5,000
# processes against 100, and with 1,000 waiters on one lock.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() {
    cat <<'END'
Usage: packaging/bench/status.sh [--repeat COUNT] [--quick] [--rows 1,2,3]

Builds lockwatch as a package for Linux has it, with the C library linked in, makes the load, and prints a table
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

# shellcheck source=packaging/bench/common.sh
source packaging/bench/common.sh
read_options '[1-3]' 1,3 "$@"
check_machine
# Root's folders are not in everybody's PATH, but the tools may be there.
PATH=$PATH:/usr/sbin:/sbin
for tool in lslocks:util-linux fuser:psmisc lsof:lsof; do
    command -v "${tool%%:*}" >/dev/null ||
        fail "${tool%%:*} is not installed (package ${tool#*:}); \`cargo bench -p lockwatch --bench status\` measures without it"
done
measure status
