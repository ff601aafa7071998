#!/usr/bin/env bash
set -euo pipefail
url=${TOKENHUB_URL:-http://127.0.0.1:8080}
curl -s "$url/v1/chat" -H 'Authorization: Bearer th-quickstart' -d '{"request": {"messages": [{"role": "user", "content": "Hello!"}]}, "policy": {"mode": "cheap"}}'
echo
curl -s "$url/v1/chat" -H 'Authorization: Bearer th-quickstart' -d '{"request": {"messages": [{"role": "user", "content": "Hello!"}]}, "policy": {"mode": "high_confidence", "min_weight": 5}}'
echo
curl -s "$url/v1/chat" -H 'Authorization: Bearer th-quickstart' -d '{"request": {"messages": [{"role": "user", "content": "Hello!"}]}, "policy": {"mode": "cheap"}, "output_format": {"type": "json", "schema": "{\"type\": \"object\", \"properties\": {\"answer\": {\"type\": \"string\"}}, \"required\": [\"answer\"], \"additionalProperties\": false}"}}'
echo
