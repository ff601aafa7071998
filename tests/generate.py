"""Print anew everything that is generated: `make generate`."""

import subprocess
import sys
from pathlib import Path

import msgspec

from gateway.web.app import document
from tests.manual import manual

ROOT = Path(__file__).parent.parent


def openapi_text() -> str:
    return msgspec.json.format(msgspec.json.encode(document(), order="deterministic"), indent=2).decode() + "\n"


def main() -> None:
    (ROOT / "schemas" / "openapi.json").write_text(openapi_text())
    (ROOT / "docs" / "command-line.md").write_text(manual())
    subprocess.run([sys.executable, "-m", "gateway.config.printed"], check=True, cwd=ROOT)
    subprocess.run([sys.executable, "-m", "tests.catalog"], check=True, cwd=ROOT)
    golden = ["tests/dialects/test_matrix.py", "--update-golden"]
    subprocess.run([sys.executable, "-m", "pytest", "-q", *golden], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
