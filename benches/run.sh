#!/usr/bin/env bash
# Everything that is measured, in one run, into benches/results:
#
#   benches/run.sh            on a machine that has nothing else to do; a quarter of an hour
#   benches/run.sh quick      that everything runs; the figures mean little
#
# Builds are left out (`build` adds them): they take longer than all the rest. It takes redis-server, wrk and taskset, on
# Debian from the packages redis-server, wrk and util-linux.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

quick=() builds=
for word in "$@"; do
    case $word in
        quick) quick=(--quick) ;;
        build) builds=yes ;;
        *) echo "benches/run.sh [quick] [build]" >&2; exit 2 ;;
    esac
done
for command in redis-server wrk taskset; do
    command -v "$command" >/dev/null || { echo "$command is missing" >&2; exit 1; }
done

export CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-0}
results=results
[[ ${#quick[@]} -eq 0 ]] || results=${TMPDIR:-/tmp}/oidc-gate-results
mkdir -p "$results"

# Everything is built before anything is measured.
cargo bench --locked --quiet --package oidc-gate-benches --no-run
cargo build --locked --quiet --release --manifest-path peers/Cargo.toml
peers=${CARGO_TARGET_DIR:-peers/target}/release/oidc-gate-peers

part() { # FILE COMMAND...
    local file=$results/$1
    shift
    echo "== $file"
    "$@" >"$file.new"
    mv "$file.new" "$file"
    cat "$file"
}

ours() { cargo bench --locked --quiet --package oidc-gate-benches --bench "$1" -- "${quick[@]}"; }

part requests.md ours requests
part sessions.md ours sessions
part token_endpoint.md ours token_endpoint
part footprint.md ours footprint
part peers.md "$peers" table "${quick[@]}" --svg "$results/peers.svg"
part threads.md "$peers" threads "${quick[@]}"
part load.md "$peers" load "${quick[@]}"
part start.md "$peers" start
part crates.md peers/build.sh crates
[[ -z $builds ]] || part build.md peers/build.sh

echo "== $results/README.md"
{
    printf '# As measured\n\n'
    printf 'Written by `benches/run.sh`. What the columns mean is said in [the README](../README.md).\n\n'
    printf '![What it adds to each request](peers.svg)\n'
    for file in requests peers threads load sessions footprint start token_endpoint crates build; do
        [[ ! -e $results/$file.md ]] || { printf '\n## %s\n' "${file//_/ }"; cat "$results/$file.md"; }
    done
} >"$results/README.md"
