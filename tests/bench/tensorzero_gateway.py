"""Run by TensorZero's own interpreter: starts the HTTP gateway inside its wheel, tells the port, and stays."""

import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

if __name__ == "__main__":
    from tensorzero.tensorzero import _start_http_gateway  # type: ignore[import-not-found]

    gateway = _start_http_gateway(
        config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=False
    )
    Path(sys.argv[2]).write_text(str(urlsplit(gateway.base_url).port))
    signal.pause()
