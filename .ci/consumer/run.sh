#!/usr/bin/env bash
# Packages the three crates as `cargo publish` would, and builds and runs an application that knows nothing but the
# packages: no workspace, no path into the repository, no feature that another member switched on.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}
crates=(oidc-gate-core oidc-gate-tower oidc-gate-axum)

scratch=$(mktemp -d)
application=
clean_up() {
    [[ -z $application ]] || kill "$application" 2>/dev/null || true
    rm -rf "$scratch"
}
trap clean_up EXIT

# cargo's own verification would compile each package once more; the consumer below compiles all three.
rm -f "$CARGO_TARGET_DIR"/package/oidc-gate-*.crate # of an earlier version
(cd "$root" && cargo package --locked --allow-dirty --no-verify "${crates[@]/#/--package=}")

patches=()
for crate in "${crates[@]}"; do
    tar -xzf "$CARGO_TARGET_DIR/package/$crate"-[0-9]*.crate -C "$scratch"
    package=$(echo "$scratch/$crate"-[0-9]*)
    for file in README.md LICENSE-MIT LICENSE-APACHE; do
        [[ -s $package/$file ]] || { echo "the package of $crate lacks $file" >&2; exit 1; }
    done
    patches+=(--config "patch.crates-io.$crate.path='$package'")
done

mkdir -p "$scratch/consumer/src"
cp "$here/Cargo.toml" "$scratch/consumer/"
cp "$here/main.rs" "$scratch/consumer/src/"
# The versions that the workspace was tested with, rather than whatever was published this morning.
cp "$root/Cargo.lock" "$scratch/consumer/"
cd "$scratch/consumer"
cargo build "${patches[@]}"


coproc APPLICATION { exec "$CARGO_TARGET_DIR/debug/consumer"; }
application=$APPLICATION_PID
read -r -t 30 address <&"${APPLICATION[0]}" || { echo "the application did not start" >&2; exit 1; }

# expect STATUS WHAT CURL-ARGUMENTS…
expect() {
    local status=$1 what=$2 answer
    shift 2
    answer=$(curl --silent --show-error --max-time 30 --include "$@")
    if [[ $answer != "HTTP/1.1 $status "* ]]; then
        printf 'expected %s for %s, got:\n%s\n' "$status" "$what" "$answer" >&2
        exit 1
    fi
    printf 'ok      %s: %s\n' "$what" "$status"
}
navigation=(-H 'Accept: text/html' -H 'Sec-Fetch-Mode: navigate' -H 'Sec-Fetch-Dest: document')

expect 200 'an open path while the provider is down' "$address/"
expect 401 'a script on a protected path' -H 'Accept: application/json' "$address/me"
expect 503 'a navigation to a protected path while the provider is down' "${navigation[@]}" "$address/me"
