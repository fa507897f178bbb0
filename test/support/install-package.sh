#!/bin/sh
# Installs a package of Debian, but neither starts nor enables its service: sh install-package.sh PACKAGE SERVICE
# One at a time on a machine: whoever comes later finds that it is there.
set -eu
package=$1
service=$2
policy=/usr/sbin/policy-rc.d
export DEBIAN_FRONTEND=noninteractive

exec 9>"${TMPDIR:-/tmp}/millrace-install.lock"
flock --timeout 300 9

# What the scripts of packages ask whether they may start a service: 101 means no.
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi

install() { apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 "$package"; }
# Only an index that is missing or too old is fetched anew.
install || { apt-get update -q && install; }
! command -v systemctl >/dev/null || systemctl --quiet disable "$service" || true
