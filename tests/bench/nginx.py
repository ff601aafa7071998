"""nginx in two parts: the provider that every contender calls, and the plain proxy that nobody can beat."""

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.load import Target
from tests.bench.machine import GATEWAY_CORE, LOAD_CORE, Process, free_port, program, running

ANSWER = json.dumps(
    {
        "id": "chatcmpl-abc123",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "gpt-4o-2024-08-06",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello! How can I help you today?"},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18},
        "system_fingerprint": "fp_1",
    },
    separators=(",", ":"),
)

FRAME = """
worker_processes 1; daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 600s; tcp_nodelay on;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {inside}
}}
"""
PROVIDER = """
  server {{
    listen 127.0.0.1:{port} backlog=4096; default_type application/json;
    location / {{ return 200 '{answer}'; }}
    location /v1/models {{ return 200 '{{"object":"list","data":[{{"id":"gpt-4o","object":"model"}}]}}'; }}
  }}
"""
PROXY = """
  upstream provider {{ server 127.0.0.1:{upstream}; keepalive 128; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://provider; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
"""


@contextlib.contextmanager
def provider() -> Iterator[int]:
    """Answers every request with the same completion; the port it listens on."""
    port = free_port()
    with _nginx(PROVIDER.format(port=port, answer=ANSWER), port, LOAD_CORE):
        yield port


@contextlib.contextmanager
def proxy(upstream: int) -> Iterator[tuple[Target, Process]]:
    """`proxy_pass` and nothing else, where the contenders stand."""
    port = free_port()
    with _nginx(PROXY.format(port=port, upstream=upstream), port, GATEWAY_CORE) as process:
        yield Target(name="nginx proxy_pass", port=port), process


@contextlib.contextmanager
def _nginx(inside: str, port: int, core: int) -> Iterator[Process]:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "nginx.conf"
        config.write_text(FRAME.format(folder=folder, inside=inside))
        with running(
            [program("nginx"), "-p", folder, "-c", config, "-e", f"{folder}/error.log"], port, core
        ) as process:
            yield process
