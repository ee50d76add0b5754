#!/usr/bin/env bash
# Runs the fuzz targets of daemon/fuzz, each for a given time, and stops at the first finding.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=daemon/fuzz
# The same options for a run and for a replay. What is tested is safe Rust, in which overflows and wrong indices are found
# without a sanitizer, and more inputs are tried in the same time.
options=(--fuzz-dir "$folder" --sanitizer none)

targets() {
    local file
    for file in "$folder"/fuzz_targets/*.rs; do
        file=${file##*/}
        printf '%s\n' "${file%.rs}"
    done
}

usage() {
    cat <<END
Usage: packaging/fuzz.sh [--seconds N] [TARGET…]

Feeds what lockwatch reads from outside with made input, each target for N seconds, one after the other, and stops at the
first input that breaks a rule: it says which file has it and how to run it again. What was found to be of interest is kept
in $folder/corpus, so that the next run goes on from there. The first build takes some minutes.

  --seconds N  for how long each target runs (default 60)
  TARGET…      only these (default all):
$(targets | sed 's/^/                 /')

It needs Linux, rustup with a nightly toolchain (\`rustup toolchain install nightly\`), cargo-fuzz (\`cargo install --locked
cargo-fuzz\`) and a C++ compiler, for libFuzzer.

Exit status: 0 where nothing was found, 1 where something was, 2 where something needed is not there or does not build.
END
}

fail() {
    printf 'fuzz.sh: %s\n' "$*" >&2
    exit 2
}

seconds=60
chosen=()
while (($# > 0)); do
    case $1 in
        --help | -h)
            usage
            exit
            ;;
        --seconds)
            seconds=${2:-}
            [[ $seconds =~ ^[1-9][0-9]*$ ]] || fail "--seconds needs a count, such as 60"
            shift 2
            ;;
        -*) fail "what is $1? See --help" ;;
        *)
            [[ -e $folder/fuzz_targets/$1.rs ]] || fail "there is no target $1; there are: $(targets | paste -sd ' ')"
            chosen+=("$1")
            shift
            ;;
    esac
done
if ((${#chosen[@]} == 0)); then
    mapfile -t chosen < <(targets)
fi

[[ $(uname -s) == Linux ]] || fail "the parsers of /proc are there on Linux only"
command -v rustup >/dev/null || fail "rustup is not in PATH; it is what chooses the nightly toolchain: https://rustup.rs"
cargo +nightly --version >/dev/null 2>&1 || fail "there is no nightly toolchain; get it: rustup toolchain install nightly"
cargo +nightly fuzz --version >/dev/null 2>&1 || fail "cargo-fuzz is not installed; get it: cargo install --locked cargo-fuzz"

cargo +nightly fuzz build "${options[@]}" || fail "the targets do not build; see above"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for target in "${chosen[@]}"; do
    corpus=$folder/corpus/$target
    mkdir -p "$corpus"
    # The longest argument that is read has 8 KiB. No input may take seconds, or much memory.
    if ! cargo +nightly fuzz run "${options[@]}" "$target" "$corpus" "$folder/seeds/$target" -- \
        "-max_total_time=$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 >"$log" 2>&1; then
        cat "$log" >&2
        found=$(sed -n 's/.*Test unit written to //p' "$log" | head -n 1)
        found=${found#"$PWD/"}
        [[ -n $found ]] || fail "$target has ended without a finding; what it said stands above"
        printf '\n%s: a finding, %s\nagain:   cargo +nightly fuzz run %s %s %s\nsmaller: cargo +nightly fuzz tmin %s %s %s\n' \
            "$target" "$found" "${options[*]}" "$target" "$found" "${options[*]}" "$target" "$found"
        exit 1
    fi
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    printf '%-14s %12s inputs in %s s, nothing found\n' "$target" "${executions:-?}" "$seconds"
done
