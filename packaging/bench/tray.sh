#!/usr/bin/env bash
# Measures what the tray costs, for the table in the README.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

usage() {
    cat <<'END'
Usage: packaging/bench/tray.sh [--repeat COUNT]

Runs the tray on a session bus of its own, and prints its resident memory, its wake-ups and its CPU time in a minute in which
nothing happens, and how its memory grows over ten thousand changes. Two minutes.

  --repeat COUNT  measures so many times, to see how far the numbers spread

It needs Linux and cargo; no display, and no session bus of yours.

Exit status: 0 where all budgets are met, 1 where one is missed, 2 where something needed is not there.
END
}

# shellcheck source=packaging/bench/common.sh
source packaging/bench/common.sh
package=lockwatch-tray
read_options '[a-z]+' none "$@"
check_machine
measure tray
