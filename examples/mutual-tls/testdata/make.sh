#!/usr/bin/env bash
# Makes the certificates of this directory anew, in OpenSSL 3: an authority, the provider's certificate for `localhost`, and
# two certificates of the client's by that authority, of one subject and two keys. All are good for a hundred years, and for
# tests alone: the private keys lie beside them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"


certificate() { # NAME SUBJECT EXTENSION...
    local name=$1 subject=$2 extension
    shift 2
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$name.key" 2>/dev/null
    local arguments=(-x509 -key "$name.key" -days 36500 -sha256 -subj "$subject")
    [[ $name == authority ]] || arguments+=(-CA authority.crt -CAkey authority.key)
    for extension in "$@"; do arguments+=(-addext "$extension"); done
    openssl req -new "${arguments[@]}" -out "$name.crt"
}

certificate authority '/CN=authority' 'keyUsage=critical,keyCertSign,cRLSign'
certificate provider '/CN=localhost' 'basicConstraints=critical,CA:FALSE' 'subjectAltName=DNS:localhost' 'extendedKeyUsage=serverAuth'
for name in one two; do
    certificate "$name" '/CN=app' 'basicConstraints=critical,CA:FALSE' 'extendedKeyUsage=clientAuth'
done
# Nobody needs to make another.
rm authority.key
