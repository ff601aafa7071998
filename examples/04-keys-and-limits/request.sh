#!/usr/bin/env bash
set -euo pipefail
url=${TOKENHUB_URL:-http://127.0.0.1:8080}
ask() { # PATH BODY [MORE OPTIONS OF CURL]
  curl -sS "$url$1" -H 'Authorization: Bearer th-quickstart' -H 'Content-Type: application/json' -d "$2" "${@:3}"
  echo
}

small='{"model": "echo-small", "messages": [{"role": "user", "content": "Hello!"}]}'
large='{"model": "echo-large", "messages": [{"role": "user", "content": "Hello!"}]}'

# Two requests a minute are permitted; the third is refused with 429.
ask /v1/chat/completions "$small"
ask /v1/chat/completions "$small"
ask /v1/chat/completions "$small"

# A model that this key may not use does not exist for it: 404.
ask /v1/chat/completions "$large"

# The key has no scope for embeddings: 403.
ask /v1/embeddings '{"model": "echo-small", "input": "Hello!"}'
