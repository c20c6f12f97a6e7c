#!/bin/sh
# Installs Debian's Chromium for the browser tests where that may be done. Never fails: without a browser those
# tests are skipped and say so (CARILLON_REQUIRE_BROWSER=1 makes that a failure).
for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then
        exit 0
    fi
done
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    exit 0
fi
echo "Installing Chromium for the browser tests (about a minute, once)"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq >/dev/null 2>&1 || true
apt-get install -y -qq --no-install-recommends chromium >/dev/null 2>&1 \
    || echo "Chromium could not be installed; the browser tests will be skipped."
exit 0
