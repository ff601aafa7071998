#!/usr/bin/env bash
set -euo pipefail
url=${TOKENHUB_URL:-http://127.0.0.1:8080}
ask() {
  curl -s "$url/v1/chat/completions" -H 'Authorization: Bearer th-quickstart' \
    -d '{"model": "app", "messages": [{"role": "user", "content": "Hello!"}]}'
  echo
}

ask
sed -i 's/app: old/app: new/' tokenhub.yaml
for _ in $(seq 100); do
  ask | grep -q 'demo/echo-new' && break
  sleep 0.1
done
ask
echo 'models: {' >> tokenhub.yaml
sleep 1
ask
