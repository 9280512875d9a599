#!/bin/sh
# Install the real peers the tests use (broker, database, browser) where this machine allows it.
# Where it does not, the tests that need them skip with a sentence.
set -u
missing=""
command -v mosquitto >/dev/null 2>&1 || [ -x /usr/sbin/mosquitto ] || missing="$missing mosquitto"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "Not installed:$missing. The tests that need them will skip; on Debian: apt-get install$missing"
  exit 0
fi
echo "Installing$missing ..."
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # a list of names on purpose
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >/tmp/vitrina-apt.$$ 2>&1 \
  || { tail -3 /tmp/vitrina-apt.$$; echo "Could not install$missing; the tests that need them will skip."; }
rm -f /tmp/vitrina-apt.$$
exit 0
