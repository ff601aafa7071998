#!/usr/bin/env bash
set -euo pipefail
url=${TOKENHUB_URL:-http://127.0.0.1:8080}

ask() {
  curl -sS "$url/v1/chat/completions" -H 'Authorization: Bearer th-quickstart' -H 'Content-Type: application/json' \
    -d '{"model": "app", "messages": [{"role": "user", "content": "Hello!"}]}'
  echo
}

before=$(cat tokenhub.yaml)
restore() { printf '%s\n' "$before" > tokenhub.yaml; }
trap restore EXIT # the file ends as it began

ask # `app` is `old`

printf '%s\n' "${before/app: old/app: new}" > tokenhub.yaml
for _ in $(seq 100); do
  ask | grep -q 'demo/echo-new' && break
  sleep 0.1
done
ask # the same gateway, and `app` is `new`

echo 'models: {' >> tokenhub.yaml
sleep 1
ask # the file is broken: what served before still serves, and the log says why
