#!/usr/bin/env bash
# Resolve every requirements file again: pinned by version and hash, for all systems, without any host in it.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=.venv/bin/uv
compile() {
  local out=$1
  shift
  "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
    --no-emit-index-url --no-annotate "$@" -o "requirements/$out"
}
printf 'uv\n' | "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
  --no-emit-index-url --no-annotate - -o requirements/uv.txt
compile dev.txt pyproject.toml requirements/build.in --all-extras --group dev
compile driver.txt pyproject.toml --extra producer
compile hub.txt pyproject.toml --extra persister --extra timing --extra corners --extra coach --extra keys --extra gateway --extra hub
compile peers.txt --group peers
