#!/usr/bin/env bash
# Plays the scenes of daemon/tests/scenes.md with the default thresholds, several times, and says what was expected and what
# was given.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    cat <<'END'
Usage: packaging/scenes.sh [--times N] [--only NAME] [--scale FACTOR]

Plays the scenes that prove the verdicts, all side by side, with the thresholds that lockwatch has where nothing is configured,
and prints a table after each time. One time takes some twenty minutes, nearly all of it waiting.

  --times N       how often (default 10)
  --only NAME     only the scenes whose names begin with NAME, such as ctrl_z
  --scale FACTOR  with thresholds that are multiplied with this (default 1), such as 0.1, as `cargo test` has them

Exit status: 0 where all was as expected every time, 1 where something was not, 2 where something needed is not there or does
not build.
END
}

fail() {
    printf 'scenes.sh: %s\n' "$*" >&2
    exit 2
}

times=10 only='' scale=1
while (($# > 0)); do
    case $1 in
        --help | -h)
            usage
            exit
            ;;
        --times)
            times=${2:-}
            [[ $times =~ ^[1-9][0-9]*$ ]] || fail "--times needs a count, such as 10"
            shift 2
            ;;
        --only)
            only=${2:-}
            [[ $only =~ ^[a-z_]+$ ]] || fail "--only needs the name of a scene; daemon/tests/scenes.md has them"
            shift 2
            ;;
        --scale)
            scale=${2:-}
            [[ $scale =~ ^[0-9]*\.?[0-9]+$ ]] || fail "--scale needs a number, such as 0.1"
            shift 2
            ;;
        *) fail "what is $1? See --help" ;;
    esac
done

names=$(sed -n 's/^| `\([a-z_]*\)` |.*/\1/p' daemon/tests/scenes.md | grep -- "^$only") \
    || fail "there is no scene $only; daemon/tests/scenes.md has them"
cargo test --quiet -p lockwatch --test it --no-run || fail "the tests do not build; see above"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
for ((time = 1; time <= times; time++)); do
    report=$work/report log=$work/log
    : >"$report"
    bad=0
    LOCKWATCH_SCENES_SCALE=$scale LOCKWATCH_SCENES_REPORT=$report \
        cargo test --quiet -p lockwatch --test it -- "scenes::$only" >"$log" 2>&1 || bad=1
    printf '\ntime %s of %s\n' "$time" "$times"
    while IFS= read -r name; do
        # A scene that was never played has no line; one that this machine cannot play proves nothing.
        line=$(awk -F '\t' -v name="$name" '$1 == name' "$report")
        line=${line:-$(printf '%s\t?\t?\tFAILED' "$name")}
        IFS=$'\t' read -r _ expected given how <<<"$line"
        [[ $how == ok ]] || bad=1
        printf '%-28s %s\n    expected: %s\n    given:    %s\n' "$name" "$how" "$expected" "$given"
    done <<<"$names"
    if ((bad)); then
        failed=$((failed + 1))
        printf '\n'
        cat "$log"
    fi
done
if ((failed)); then
    printf '\nnot as expected: %s of %s times\n' "$failed" "$times"
    exit 1
fi
printf '\nall as expected, %s times in a row\n' "$times"
