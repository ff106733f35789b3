#!/usr/bin/env bash
# Start nats-server and Postgres: in Docker where an engine runs, else from the Python wheels. The
# containers publish on loopback only, so a nats-server for other machines runs from the wheels.
set -euo pipefail
cd "$(dirname "$0")/.."
pitbox=${1:-pitbox}

if [ -n "${PITBOX_NATS__HOST:-}" ] || ! { docker compose version && docker info; } >/dev/null 2>&1; then
  exec "$pitbox" stack
fi

umask 077
mkdir -p .pitbox/compose
[ -s .pitbox/compose/postgres.password ] || head -c 18 /dev/urandom | base64 | tr '+/' '-_' >.pitbox/compose/postgres.password
export PITBOX_KEYS__FOLDER=$PWD/.pitbox/compose/keys PITBOX_NATS__CREDENTIALS=$PWD/.pitbox/compose/keys/users
"$pitbox" keys config .pitbox/compose/nats.conf --store /data --published
docker compose --file infra/docker-compose.yml up --detach --wait
printf 'postgresql://pitbox:%s@127.0.0.1:5432/pitbox?sslmode=disable' "$(cat .pitbox/compose/postgres.password)" >.pitbox/compose/postgres.url
export PITBOX_POSTGRES__URL_FILE=$PWD/.pitbox/compose/postgres.url
"$pitbox" migrate
"$pitbox" streams apply --wait
for name in PITBOX_POSTGRES__URL_FILE PITBOX_KEYS__FOLDER PITBOX_NATS__CREDENTIALS; do
  printf 'export %s=%q\n' "$name" "${!name}"
done >.pitbox/compose/environment
echo "nats-server and Postgres run in Docker. In other shells run: source .pitbox/compose/environment"
