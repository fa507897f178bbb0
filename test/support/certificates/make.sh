#!/bin/sh
# Makes the certificates that the tests of TLS use, each with its key in one file, anew: sh make.sh
# They are valid for a hundred years, but those that are meant not to be. Their keys are no secrets.
set -eu
cd "$(dirname "$0")"
here=$(pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >ca.cnf <<'END'
[ca]
default_ca = any
[any]
new_certs_dir = .
database = index.txt
serial = serial
default_md = sha256
policy = policy
unique_subject = no
[policy]
commonName = supplied
END
: >index.txt
echo 1000 >serial

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2>/dev/null; }
save() { cat "$1.crt" "$1.key" >"$here/$1.pem"; }

# authority <file> <name>
authority() {
  key "$1"
  openssl req -x509 -key "$1.key" -subj "/CN=$2" -days 36500 -out "$1.crt" \
    -addext 'keyUsage=critical,keyCertSign,cRLSign'
  cp "$1.crt" "$here/$1.pem"
}

# leaf <file> <name> <alternative names> <authority> <from> <to>
leaf() {
  key "$1"
  openssl req -new -key "$1.key" -subj "/CN=$2" -out "$1.csr"
  printf 'subjectAltName=%s\nbasicConstraints=critical,CA:FALSE\n' "$3" >extensions
  openssl ca -config ca.cnf -batch -notext -in "$1.csr" -out "$1.crt" -extfile extensions \
    -cert "$4.crt" -keyfile "$4.key" -startdate "$5" -enddate "$6" 2>/dev/null
  save "$1"
}

from=20260101000000Z
to=21260101000000Z
authority authority 'test authority'
authority other-authority 'other authority'
leaf server server DNS:localhost,IP:127.0.0.1 authority $from $to
leaf renewed renewed DNS:localhost,IP:127.0.0.1 authority $from $to
leaf elsewhere elsewhere DNS:elsewhere.test,DNS:www.elsewhere.test authority $from $to
leaf client client URI:spiffe://test/client authority $from $to
leaf stranger stranger DNS:localhost,IP:127.0.0.1 other-authority $from $to
leaf expired expired DNS:localhost,IP:127.0.0.1 authority 20240101000000Z 20250101000000Z
leaf future future DNS:localhost,IP:127.0.0.1 authority 21250101000000Z $to

key self-signed
openssl req -x509 -key self-signed.key -subj /CN=self -days 36500 -out self-signed.crt \
  -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE
save self-signed

# The same certificate as `server`, its key encrypted with the passphrase `open sesame`.
openssl pkcs8 -topk8 -in server.key -passout 'pass:open sesame' -out encrypted.key
cp server.crt encrypted.crt
save encrypted
