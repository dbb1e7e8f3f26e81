#!/usr/bin/env bash
# What it takes to build each library that logs users in: a cold release build of a program that depends on it and does
# nothing else, on a target directory of its own. Everything is fetched before the clock runs.
#
#   benches/peers/build.sh > benches/results/build.md             on a machine that has nothing else to do; a quarter of an hour
#   benches/peers/build.sh crates > benches/results/crates.md     of how many crates, and nothing is built
#
# CPU seconds are those of all compiler processes together, so that they depend on the machine and hardly on its load.
# Crates are those of the tree that is linked, the program itself left out; with those that only run while it is built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

root=$(cd ../.. && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CARGO_INCREMENTAL=0

axum='axum = { version = "0.8.9" }'
tokio='tokio = { version = "1.47", features = ["macros", "net", "rt-multi-thread"] }'

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
printf '\n%s, %s, %s cores, linux %s, %s\n\n' "$(date -u +%F)" "$cpu" "$(nproc)" "$(uname -m)" "$(rustc --version)"

case ${1:-} in
    '')
        echo '| a cold release build | CPU seconds | seconds | crates | and for building |'
        echo '|---|--:|--:|--:|--:|'
        ;;
    crates)
        echo '| what is linked | crates | and for building |'
        echo '|---|--:|--:|'
        ;;
    *) echo "benches/peers/build.sh [crates]" >&2; exit 2 ;;
esac
only_crates=${1:-}

measure() { # NAME DEPENDENCY...
    local name=$1 dir=$work/program times user system wall
    shift
    rm -rf "$dir" "$work/target"
    mkdir -p "$dir/src"
    {
        printf '[workspace]\n[package]\nname = "program"\nversion = "0.0.0"\nedition = "2024"\n[dependencies]\n'
        printf '%s\n' "$@"
    } >"$dir/Cargo.toml"
    echo 'fn main() {}' >"$dir/src/main.rs"
    # The versions that are measured everywhere else.
    cp Cargo.lock "$dir/Cargo.lock"
    cargo fetch --quiet --manifest-path "$dir/Cargo.toml"
    if [[ -n $only_crates ]]; then
        printf '| %s | %s | %s |\n' "$name" "$(crates "$dir" normal)" "$(crates "$dir" normal,build)"
        return
    fi
    times=$({
        TIMEFORMAT='%U %S %R'
        time cargo build --release --quiet --offline --manifest-path "$dir/Cargo.toml" --target-dir "$work/target" 2>"$work/said"
    } 2>&1) || { cat "$work/said" >&2; echo "$name does not build" >&2; exit 1; }
    read -r user system wall <<<"$times"
    printf '| %s | %.0f | %.0f | %s | %s |\n' "$name" "$(awk "BEGIN { print $user + $system }")" "$wall" \
        "$(crates "$dir" normal)" "$(crates "$dir" normal,build)"
}

crates() { # DIRECTORY EDGES
    cargo tree --quiet --offline --manifest-path "$1/Cargo.toml" --edges "$2" --prefix none --format '{p}' |
        sed 's/ (\*)$//' | grep -v '^program ' | sort -u | wc -l
}

measure 'axum alone' "$axum" "$tokio"
measure 'oidc-gate-axum' "$axum" "$tokio" "oidc-gate-axum = { path = \"$root/oidc-gate-axum\" }"
measure 'axum-oidc 0.6.0, tower-sessions' "$axum" "$tokio" 'axum-oidc = "=0.6.0"' 'tower-sessions = "0.14"'
# As it is by default, it speaks to no provider over TLS.
huskarl=('huskarl = "0.11.10"' 'huskarl-axum = { version = "=0.1.0", features = ["login"] }' 'huskarl-login = "0.5.0"'
    'huskarl-crypto-native = "0.11"')
measure 'huskarl-axum 0.1.0, login, without TLS' "$axum" "$tokio" "${huskarl[@]}" 'huskarl-reqwest = "0.9"'
measure 'huskarl-axum 0.1.0, login, with its `rustls-tls`' "$axum" "$tokio" "${huskarl[@]}" \
    'huskarl-reqwest = { version = "0.9", features = ["rustls-tls"] }'
measure 'axum-login 0.18.0, openidconnect' "$axum" "$tokio" 'axum-login = "=0.18.0"' 'openidconnect = "4.1"' \
    'tower-sessions = "0.14"'

# The part of it that is cryptography: C and assembly, which no compiler of Rust has to do with.
measure 'AWS-LC alone, as oidc-gate has it' 'aws-lc-rs = { version = "1.19", default-features = false, features = ["aws-lc-sys", "alloc"] }'
measure 'ring alone, as axum-oidc and openidconnect have it' 'ring = "0.17"'
