#!/usr/bin/env bash
# Plays the scenes of daemon/tests/scenes.md with the default thresholds, several times, and says what was expected and what
# was given.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    cat <<'END'
Usage: packaging/scenes.sh [--times N] [--apart SECS] [--only NAME] [--scale FACTOR]

Plays the scenes that prove the verdicts, all side by side, with the thresholds that lockwatch has where nothing is configured,
and prints how each went when it ends. One time takes some twenty minutes, nearly all of it waiting; so the next time begins
before the one before has ended.

  --times N       how often (default 10)
  --apart SECS    how long after the one before each time begins (default 90)
  --only NAME     only the scenes whose names begin with NAME, such as ctrl_z
  --scale FACTOR  with thresholds that are multiplied with this (default 1), such as 0.1, as `cargo test` has them

A shell that starts it in its background has to outlive it, or to start it by setsid: the scenes stop processes, and the kernel
ends a process group that has such once its shell is gone.

Exit status: 0 where all was as expected every time, 1 where something was not, 2 where something needed is not there or does
not build.
END
}

fail() {
    printf 'scenes.sh: %s\n' "$*" >&2
    exit 2
}

times=10 apart=90 only='' scale=1
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
        --apart)
            apart=${2:-}
            [[ $apart =~ ^[0-9]+$ ]] || fail "--apart needs a number of seconds, such as 90"
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

# shellcheck disable=SC2016 # the backticks are those of the table
names=$(sed -n 's/^| `\([a-z_]*\)` |.*/\1/p' daemon/tests/scenes.md | grep -- "^$only") \
    || fail "there is no scene $only; daemon/tests/scenes.md has them"
cargo test --quiet --workspace --test it --no-run || fail "the tests do not build; see above"

work=$(mktemp -d)
report=$work/report log=$work/log teller=''
: >"$report"
end() {
    [[ -z $teller ]] || kill "$teller" 2>/dev/null || true
    rm -rf "$work"
}
trap end EXIT

tell() {
    local name time expected given how
    while IFS=$'\t' read -r name time expected given how; do
        printf '%-28s time %s: %s\n    expected: %s\n    given:    %s\n' "$name" "$time" "$how" "$expected" "$given"
    done
}
tail -n +1 -f "$report" > >(tell) &
teller=$!

bad=0
LOCKWATCH_SCENES_SCALE=$scale LOCKWATCH_SCENES_REPORT=$report LOCKWATCH_SCENES_TIMES=$times LOCKWATCH_SCENES_APART=$apart \
    cargo test --quiet --workspace --test it -- "scenes::$only" >"$log" 2>&1 || bad=1
sleep 2 # until the last lines are told

# A scene that was never played has no line; one that this machine cannot play proves nothing.
printf '\n%-28s %s\n' scene 'as expected'
while IFS= read -r name; do
    good=$(awk -F '\t' -v name="$name" '$1 == name && $5 == "ok"' "$report" | wc -l)
    printf '%-28s %d of %d times\n' "$name" "$good" "$times"
    ((good == times)) || bad=1
done <<<"$names"
if ((bad)); then
    printf '\n'
    cat "$log"
    printf '\nnot all was as expected\n'
    exit 1
fi
printf '\nall as expected, %s times in a row\n' "$times"
