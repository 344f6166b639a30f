#!/usr/bin/env bash
# Lists what the repository has of a stanza, as the owner of a certificate. Arguments: ADDRESS STANZA CERTIFICATE
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
certificate=$3
if [ "$certificate" = self-signed ]; then
  certificate=$work/own.pem
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$HOSTNAME" \
    -keyout "$certificate.key" -out "$certificate" 2>/dev/null
fi
cat >"$work/asking.conf" <<CONF
[global]
repo1-host=$1
repo1-host-type=tls
repo1-host-ca-file=/etc/golive/tls/ca.pem
repo1-host-cert-file=$certificate
repo1-host-key-file=$certificate.key
log-level-file=off
[$2]
pg1-path=/nowhere
CONF
chown -R postgres "$work"
runuser -u postgres -- pgbackrest --config="$work/asking.conf" --stanza="$2" --io-timeout=5 repo-ls "backup/$2" 2>&1 || true
