"""Look up what references point at; complain about what is not there, by its name and never by its value."""

import os
import re
from collections.abc import Mapping
from pathlib import Path as FilePath

from gateway.config.findings import Findings
from gateway.config.references import Reference, malformed, references
from gateway.config.tree import Node, Path
from gateway.config.world import World

_LARGEST = 64 * 1024
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Resolver:
    """Each reference is looked up once, however often it stands in the files."""

    def __init__(self, world: World, findings: Findings) -> None:
        self.world = world
        self.findings = findings
        self.values: dict[str, str] = {}
        self.read: list[tuple[FilePath, bytes]] = []
        self.missing: list[FilePath] = []
        self._seen: dict[str, tuple[str, str, str | None] | None] = {}

    def resolve(self, node: Node, path: Path) -> None:
        """Every reference in one text."""
        bad = malformed(node.value)
        if bad is not None:
            hint = "references are `${env:NAME}`, `${env:NAME:-default}` and `${file:/path}`"
            name = re.fullmatch(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}", bad)
            hint = f"did you mean `${{env:{name[1]}}}`?" if name else hint
            self.findings.add("TH1301", node.spot, "a malformed reference", hint, path=path)
        for reference in references(node.value):
            if reference.text not in self._seen:
                self._seen[reference.text] = self._look_up(reference)
            trouble = self._seen[reference.text]
            if trouble is not None:
                code, message, hint_ = trouble
                self.findings.add(code, node.spot, message, hint_, path=path)

    def _look_up(self, reference: Reference) -> tuple[str, str, str | None] | None:
        if reference.source == "file" and not reference.name.startswith("/"):
            return "TH1309", f"the path `{reference.name}` is not absolute", "begin it with `/`"
        if self.world.secrets == "skip":
            return None
        return self._variable(reference) if reference.source == "env" else self._file(reference)

    def _variable(self, reference: Reference) -> tuple[str, str, str | None] | None:
        value = self.world.env.get(reference.name, "").strip("\r\n")
        if not value and reference.default is not None:
            value = reference.default
        elif not value:
            code, state = ("TH1304", "empty") if reference.name in self.world.env else ("TH1303", "not set")
            return code, f"the environment variable `{reference.name}` is {state}", None
        return self._keep(reference, value, f"the environment variable `{reference.name}`")

    def _file(self, reference: Reference) -> tuple[str, str, str | None] | None:
        path = FilePath(reference.name)
        try:
            with path.open("rb") as file:
                raw = file.read(_LARGEST + 1)
            value = raw.decode().rstrip("\r\n")
        except OSError as error:
            self.missing.append(path)
            self.read.append((path, b""))
            reason = os.strerror(error.errno) if error.errno else "unreadable"
            return "TH1305", f"the secret file `{reference.name}` cannot be read: {reason}", None
        except UnicodeDecodeError:
            return "TH1305", f"the secret file `{reference.name}` is not text", None
        self.read.append((path, raw))
        if len(raw) > _LARGEST:
            return "TH1305", f"the secret file `{reference.name}` is larger than 64 KiB", None
        if not value:
            return "TH1306", f"the secret file `{reference.name}` is empty", None
        return self._keep(reference, value, f"the secret file `{reference.name}`")

    def _keep(self, reference: Reference, value: str, name: str) -> tuple[str, str, str | None] | None:
        if _CONTROL.search(value):
            return "TH1307", f"the value of {name} has a line break or control character", None
        self.values[reference.text] = value
        return None


def data_dir(env: Mapping[str, str]) -> str:
    """Where state lives when the files do not say."""
    return env.get("TOKENHUB_DATA_DIR") or ".tokenhub"
