#!/usr/bin/env bash
# Runs the self-test of the lock detection many times in a row, and says how often it passed and how long it took to see a lock.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    cat <<'END'
Usage: packaging/selftest.sh [--times N] [--program FILE]

Runs `lockwatch doctor --json` again and again, and looks at its self-test alone.

  --times N        how often (default 100)
  --program FILE   this lockwatch, instead of the one that is built from here

Exit status: 0 where it passed every time, 1 where it did not once, 2 where something needed is not there or does not build.
END
}

fail() {
    printf 'selftest.sh: %s\n' "$*" >&2
    exit 2
}

times=100 program=''
while (($# > 0)); do
    case $1 in
        --help | -h)
            usage
            exit
            ;;
        --times)
            times=${2:-}
            [[ $times =~ ^[1-9][0-9]*$ ]] || fail "--times needs a count, such as 100"
            shift 2
            ;;
        --program)
            program=${2:-}
            [[ -x $program ]] || fail "--program needs a program that can be run"
            shift 2
            ;;
        *) fail "what is $1? See --help" ;;
    esac
done
if [[ -z $program ]]; then
    cargo build --quiet -p lockwatch || fail "lockwatch does not build; see above"
    program=${CARGO_TARGET_DIR:-target}/debug/lockwatch
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LOCKWATCH_HOME=$work/home CARGO_HOME=$work/cargo
mkdir -m 700 "$LOCKWATCH_HOME" "$CARGO_HOME"
passed=0
for ((time = 1; time <= times; time++)); do
    # The rest of the doctor may have findings on this machine; they do not count here.
    "$program" doctor --json >"$work/report" || true
    # The document is printed with one field a line; the first `passed` is the self-test's.
    if grep -m1 '"passed":' "$work/report" | grep -q true; then
        passed=$((passed + 1))
        sed -n 's/.*"taken_to_named_ms": \([0-9]*\).*/\1/p' "$work/report" >>"$work/taken"
        sed -n 's/.*"killed_to_named_ms": \([0-9]*\).*/\1/p' "$work/report" >>"$work/killed"
        sed -n 's/.*"look_us": \([0-9]*\).*/\1/p' "$work/report" >>"$work/look"
    else
        printf 'time %s failed:\n' "$time"
        cat "$work/report"
    fi
done

# The median and the longest of some numbers, one a line.
spread() {
    sort -n "$1" | awk -v unit="$2" '{ n[NR] = $1 } END { printf "median %s %s, longest %s %s", n[int((NR + 1) / 2)], unit, n[NR], unit }'
}
printf 'passed %s of %s times\n' "$passed" "$times"
if ((passed)); then
    printf 'taken to named: %s\n' "$(spread "$work/taken" ms)"
    printf 'killed to named: %s\n' "$(spread "$work/killed" ms)"
    printf 'one look: %s\n' "$(spread "$work/look" µs)"
fi
((passed == times))
