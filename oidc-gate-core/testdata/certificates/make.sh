#!/usr/bin/env bash
# Makes the certificates of this directory anew, in OpenSSL 3:
#
#   oidc-gate-core/testdata/certificates/make.sh
#
# The private keys are thrown away. Everything but what is named `short` is good for a hundred years from the day on which
# this runs; the tests name the time they check at. Thumbprints and signatures change with every run, and no test names
# one. `rfc8705-appendix-a.pem` is the certificate of RFC 8705, Appendix A, and stays.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

config() { # string mask
    cat <<EOF
oid_section = types
[types]
exampleType = 1.3.6.1.4.1.1466.0
[req]
distinguished_name = dn
string_mask = $1
utf8 = yes
[dn]
EOF
}
mask=utf8only
days=36500
digest=sha256

key() { # name, algorithm
    case $2 in
        rsa:*) openssl genpkey -quiet -algorithm RSA -pkeyopt "rsa_keygen_bits:${2#rsa:}" ;;
        ed25519) openssl genpkey -algorithm ED25519 ;;
        *) openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:$2" ;;
    esac >"$work/$1.key" 2>/dev/null
}

# certificate NAME ISSUER SUBJECT [EXTENSION...]; NAME is its own issuer where it signs itself.
certificate() {
    local name=$1 issuer=$2 subject=$3 extension
    shift 3
    [[ -e $work/$name.key ]] || key "$name" P-256
    config "$mask" >"$work/config"
    local arguments=(-x509 -config "$work/config" -key "$work/$name.key" -days "$days" "-$digest" -subj "$subject" -utf8)
    [[ $issuer == "$name" ]] || arguments+=(-CA "$issuer.pem" -CAkey "$work/$issuer.key")
    for extension in "$@"; do arguments+=(-addext "$extension"); done
    openssl req -new "${arguments[@]}" -out "$name.pem"
}

ca='basicConstraints=critical,CA:TRUE'
ca_use='keyUsage=critical,keyCertSign,cRLSign'
client='extendedKeyUsage=clientAuth'
subject='/C=DE/O=Example/CN=client'

authority() { # NAME ISSUER SUBJECT [EXTENSION...]
    certificate "$1" "$2" "$3" "$ca_use" "${@:4}"
}

leaf() { # NAME ISSUER [EXTENSION...]
    certificate "$1" "$2" "$subject" "${@:3}"
}

# Authorities.
authority root root '/O=Example/CN=Root' "$ca"
authority other-root other-root '/O=Other/CN=Root' "$ca"
authority impostor impostor '/O=Example/CN=Root' "$ca"
authority intermediate root '/O=Example/CN=Intermediate' "$ca,pathlen:0"
authority below intermediate '/O=Example/CN=Below' "$ca"
days=1 authority intermediate-short root '/O=Example/CN=Intermediate Short' "$ca"
authority no-authority root '/O=Example/CN=No Authority' 'basicConstraints=critical,CA:FALSE'
certificate silent-authority root '/O=Example/CN=Silent Authority' "$ca" 'keyUsage=critical,cRLSign'
authority server-authority root '/O=Example/CN=Server Authority' "$ca" 'extendedKeyUsage=serverAuth'
authority constrained root '/O=Example/CN=Constrained' "$ca" 'nameConstraints=critical,permitted;DNS:client.example'

# What they issue.
everything='DNS:client.example,DNS:second.example,URI:spiffe://example/client,URI:urn:Second,IP:192.0.2.1,IP:2001:db8::1'
everything+=',email:Client@example.com,email:second@example.com,RID:1.2.3.4,otherName:1.2.3.4;UTF8:other.example'
leaf client root "$client" "subjectAltName=$everything"
leaf no-purpose root 'keyUsage=digitalSignature'
leaf server-purpose root 'extendedKeyUsage=serverAuth'
leaf no-signature root 'keyUsage=critical,keyEncipherment' "$client"
leaf agreement root 'keyUsage=critical,keyAgreement' "$client"
leaf any-purpose root 'extendedKeyUsage=anyExtendedKeyUsage'
leaf both-purposes root 'extendedKeyUsage=serverAuth,clientAuth'
days=1 leaf short root "$client"
leaf authority-as-leaf root "$ca" "$client"
leaf unknown-critical root "$client" '1.2.3.4=critical,DER:0500'
leaf unknown root "$client" '1.2.3.4=DER:0500'
leaf by-intermediate intermediate "$client"
leaf by-below below "$client"
leaf by-intermediate-short intermediate-short "$client"
leaf by-no-authority no-authority "$client"
leaf by-silent-authority silent-authority "$client"
leaf by-server-authority server-authority "$client"
leaf by-constrained constrained "$client" 'subjectAltName=DNS:client.example'
leaf by-constrained-otherwise constrained "$client" 'subjectAltName=email:Client@example.com'
leaf by-constrained-outside constrained "$client" 'subjectAltName=DNS:other.example'
leaf by-other-root other-root "$client"
leaf by-impostor impostor "$client"
leaf self-signed self-signed "$client"
days=1 leaf self-signed-short self-signed-short "$client"
cp "$work/self-signed.key" "$work/self-signed-again.key"
leaf self-signed-again self-signed-again "$client"

# Algorithms.
for algorithm in ed25519 P-384 P-521 rsa:2048 rsa:1024; do
    name=root-${algorithm/:/-}
    key "${name,,}" "$algorithm"
    authority "${name,,}" "${name,,}" "/O=Example/CN=$algorithm" "$ca"
    leaf "by-${name,,}" "${name,,}" "$client"
done
digest=sha1 leaf by-sha1 root-rsa-2048 "$client"

# Distinguished names.
certificate dn-none root '/' "$client" "subjectAltName=critical,$everything"
certificate dn-escapes root '/C=DE/O=Example/CN=James "Jim" Smith, III' "$client"
certificate dn-inside root '/CN=client,O=Example,C=DE' "$client"
certificate dn-inside-spaces root '/C=DE/CN=client, O=Example' "$client"
certificate dn-plus-inside root '/CN=client\+O=Example' "$client"
certificate dn-set root '/DC=net/DC=example/OU=Sales+CN=J.  Smith' "$client"
certificate dn-turned root '/CN=client/O=Example/C=DE' "$client"
certificate dn-capitals root '/C=DE/O=EXAMPLE/CN=client' "$client"
certificate dn-more root '/C=DE/O=Example/CN=client/CN=client' "$client"
certificate dn-letters root '/C=DE/O=Example/CN=Lučić' "$client"
certificate dn-unknown-type root '/exampleType=Hi/CN=client' "$client"
certificate dn-host-name root '/CN=client.example' "$client"
mask=MASK:0x2 certificate dn-printable root "$subject" "$client"
mask=MASK:0x4 certificate dn-teletex root "$subject" "$client"
mask=MASK:0x800 certificate dn-bmp root "$subject" "$client"

# Alternative names. 0x82 is a dNSName, 0x87 an iPAddress.
leaf san-wildcard root "$client" 'subjectAltName=DNS:*.example'
leaf san-capitals root "$client" 'subjectAltName=DNS:CLIENT.Example,email:Client@EXAMPLE.com'
leaf san-null root "$client" 'subjectAltName=DER:30168214636c69656e742e6578616d706c65002e6576696c'
leaf san-ip-mapped root "$client" 'subjectAltName=IP:::ffff:192.0.2.1'
leaf san-ip-network root "$client" 'subjectAltName=DER:300a8708c0000201ffffffff'
leaf san-crossed root "$client" 'subjectAltName=URI:client.example,email:client.example,DNS:192.0.2.1'
leaf san-malformed root "$client" 'subjectAltName=DER:0400'

# Revocation lists.
revocation_list() { # NAME ISSUER DAYS [REVOKED]
    : >"$work/index"
    [[ -z ${4-} ]] || printf 'R\t991231235959Z\t260101000000Z\t%s\tunknown\t/CN=client\n' \
        "$(openssl x509 -in "$4.pem" -noout -serial | cut -d= -f2)" >"$work/index"
    echo 01 >"$work/number"
    cat >"$work/ca" <<EOF
[ca]
default_ca = this
[this]
database = $work/index
crlnumber = $work/number
default_md = sha256
crl_extensions = extensions
[extensions]
authorityKeyIdentifier = keyid
EOF
    openssl ca -config "$work/ca" -gencrl -cert "$2.pem" -keyfile "$work/$2.key" -crldays "$3" -out "$1.crl.pem" 2>/dev/null
}
revocation_list root root 36500
revocation_list root-revoked root 36500 client
revocation_list root-revoked-intermediate root 36500 intermediate
revocation_list root-short root 1
revocation_list impostor impostor 36500
revocation_list intermediate intermediate 36500
revocation_list intermediate-revoked intermediate 36500 by-intermediate

# Seeds to make up certificates from.
seeds=../../fuzz/seeds/certificate
for name in agreement by-root-rsa-2048 client constrained dn-bmp dn-set no-purpose rfc8705-appendix-a san-null; do
    openssl x509 -in "$name.pem" -outform DER -out "$seeds/${name//-/_}"
done
cat by-intermediate.pem intermediate.pem >"$seeds/chain_pem"
