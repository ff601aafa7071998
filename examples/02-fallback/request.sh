#!/usr/bin/env bash
set -euo pipefail
url=${TOKENHUB_URL:-http://127.0.0.1:8080}
ask() { # PATH BODY [MORE OPTIONS OF CURL]
  curl -sS "$url$1" -H 'Authorization: Bearer th-quickstart' -H 'Content-Type: application/json' -d "$2" "${@:3}"
  echo
}

big='{"model": "big", "messages": [{"role": "user", "content": "Hello!"}]}'

# The configuration's own chain: big, then small.
ask /v1/chat/completions "$big"

# The caller's chain, for this request only: big, then spare.
ask /v1/chat/completions "$big" -H 'X-Inferoute-Fallback: spare'
