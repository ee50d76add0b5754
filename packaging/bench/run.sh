#!/usr/bin/env bash
# Measures what `lockwatch run` costs where nothing is in the way: `cargo --version` (or another program that ends at once) with
# and without it, in turn, in a workspace, so that workspace, configuration and queue are read and a ticket is left.

set -euo pipefail

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 2
}

usage() {
    cat <<'END'
Usage: packaging/bench/run.sh [--times N] [--tickets N]

  --times N    so many starts of each kind, in turn (200)
  --tickets N  with so many tickets of runs in other folders in the queue (0)

Builds lockwatch with the release profile, and prints the median and the 99th percentile of both, and of the difference.
END
}

times=200
tickets=0
while (($# > 0)); do
    case $1 in
        --help | -h)
            usage
            exit
            ;;
        --times | --tickets)
            [[ ${2:-} =~ ^[0-9]+$ ]] || fail "$1 needs a number"
            declare "${1#--}=$2"
            shift 2
            ;;
        *) fail "what is $1? See --help" ;;
    esac
done

cd "$(dirname "$0")/../.."
cargo build --quiet --release --package lockwatch
lockwatch=$PWD/${CARGO_TARGET_DIR:-target}/release/lockwatch

place=$(mktemp -d)
trap 'rm -rf "$place"; [[ -z ${sitters:-} ]] || kill $sitters 2> /dev/null || true' EXIT
mkdir -m 700 "$place/home"
mkdir -p "$place/w/m/src" "$place/cargo" "$place/bin"
printf '[workspace]\nmembers = ["m"]\nresolver = "2"\n' > "$place/w/Cargo.toml"
printf '[package]\nname = "m"\nversion = "0.1.0"\n' > "$place/w/m/Cargo.toml"
: > "$place/w/m/src/lib.rs"
# A cargo that does nothing: what is measured is the guard, with all that a build makes it read and write.
printf '#!/bin/sh\nexit 0\n' > "$place/bin/cargo"
chmod +x "$place/bin/cargo"
export CARGO_HOME=$place/cargo LOCKWATCH_HOME=$place/home PATH=$place/bin:$PATH
unset CARGO_TARGET_DIR CARGO_BUILD_BUILD_DIR
cd "$place/w/m"

# Tickets of living processes in other folders: each is listed and read.
sitters=
for ((n = 0; n < tickets; n++)); do
    mkdir -p "$place/other$n"
    printf '[package]\nname = "o"\nversion = "0.1.0"\n' > "$place/other$n/Cargo.toml"
    printf '#!/bin/sh\nexec sleep 600\n' > "$place/other$n/cargo"
    chmod +x "$place/other$n/cargo"
    (cd "$place/other$n" && exec "$lockwatch" run --quiet -- ./cargo build) &
    sitters+=" $!"
done
if ((tickets > 0)); then
    until [[ $(find "$place/home/tickets" -name '*.started-*' 2> /dev/null | wc -l) -ge $tickets ]]; do sleep 0.1; done
fi

python3 - "$lockwatch" "$times" <<'END'
import subprocess, sys, time

lockwatch, times = sys.argv[1], int(sys.argv[2])

def once(argv):
    begin = time.perf_counter()
    subprocess.run(argv, check=True, stderr=subprocess.STDOUT)
    return (time.perf_counter() - begin) * 1000

plain, guarded = [], []
for _ in range(times):
    plain.append(once(["cargo", "build"]))
    guarded.append(once([lockwatch, "run", "--", "cargo", "build"]))

def show(name, values):
    values = sorted(values)
    print(f"{name:<24} median {values[len(values) // 2]:6.2f} ms   p99 {values[len(values) * 99 // 100]:6.2f} ms")

show("cargo alone", plain)
show("by lockwatch run", guarded)
show("the guard costs", [b - a for a, b in zip(plain, guarded)])
END
