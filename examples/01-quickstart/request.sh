#!/usr/bin/env bash
set -euo pipefail
url=${TOKENHUB_URL:-http://127.0.0.1:8080}

curl -sS "$url/v1/chat/completions" \
  -H 'Authorization: Bearer th-quickstart' \
  -H 'Content-Type: application/json' \
  -d '{"model": "echo-small", "messages": [{"role": "user", "content": "Hello!"}]}'
echo
