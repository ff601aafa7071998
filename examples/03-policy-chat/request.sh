#!/usr/bin/env bash
set -euo pipefail
url=${TOKENHUB_URL:-http://127.0.0.1:8080}
ask() { # PATH BODY [MORE OPTIONS OF CURL]
  curl -sS "$url$1" -H 'Authorization: Bearer th-quickstart' -H 'Content-Type: application/json' -d "$2" "${@:3}"
  echo
}

# The cheapest that will do.
ask /v1/chat '{
  "request": {"messages": [{"role": "user", "content": "Hello!"}]},
  "policy": {"mode": "cheap"}
}'

# The most capable, and none below weight 5.
ask /v1/chat '{
  "request": {"messages": [{"role": "user", "content": "Hello!"}]},
  "policy": {"mode": "high_confidence", "min_weight": 5}
}'

# JSON of a given shape, checked before it is handed back.
ask /v1/chat '{
  "request": {"messages": [{"role": "user", "content": "Hello!"}]},
  "policy": {"mode": "cheap"},
  "output_format": {
    "type": "json",
    "schema": "{\"type\": \"object\", \"properties\": {\"answer\": {\"type\": \"string\"}}, \"required\": [\"answer\"], \"additionalProperties\": false}"
  }
}'
