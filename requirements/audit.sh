#!/usr/bin/env bash
# Ask a service of advisories (OSV) about everything that is pinned, but for what advisories.txt justifies.
# Ends with 0 when there is nothing, with 1 when there is something, with 3 when nobody could be asked.
set -euo pipefail
cd "$(dirname "$0")"
url=${OSV_URL:-https://api.osv.dev/v1/query}
answers=$(mktemp -d)
trap 'rm -rf "$answers"' EXIT

audit() {
  ../.venv/bin/pip-audit --vulnerability-service osv --osv-url "$url" --disable-pip --strict --progress-spinner off --aliases on "$@"
}

# A service that does not know a famous one would call everything clean.
echo 'pyyaml==5.3' >"$answers/control.txt"
audit --no-deps -r "$answers/control.txt" >"$answers/control" 2>&1 || true
if ! grep -q CVE-2020-14343 "$answers/control"; then
  tail -n 1 "$answers/control" >&2
  echo "AUDIT NOT DONE: $url gave no advisories, and so nothing is known about what is pinned" >&2
  exit 3
fi

justified=$(sed 's/#.*//' advisories.txt)
audit ${justified:+$(printf -- '--ignore-vuln %s ' $justified)} -r hub.txt -r driver.txt -r dev.txt -r uv.txt
