"""A configuration as a Kubernetes ConfigMap: the same bytes for the same files, and never with a secret in it."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from gateway.config.gather import SHIPPED
from gateway.config.loading import Loading
from gateway.config.render import as_plain_yaml, hidden

MOST_BYTES = 1024 * 1024
SUFFIX_CHARS = 10
_FIT = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_ODD = re.compile("[\r\x85\u2028\u2029\ufeff]")


class UnfitError(Exception):
    """It cannot be put into a ConfigMap; says why, and what to do."""


class Wish(Struct, frozen=True, kw_only=True):
    """What it is to be called."""

    name: str
    namespace: str | None = None
    suffixed: bool = False
    """A digest of the content behind the name, for those who want a change to replace all pods."""


def flattened(loading: Loading, file: Path, config: Path) -> Mapping[str, str]:
    """Everything in one file, `config` under the name that `serve` looks for."""
    _check(loading, file)
    return {} if loading.tree is None else {_key(file, config): as_plain_yaml(loading.tree)}


def several(loading: Loading, file: Path, config: Path) -> Mapping[str, str]:
    """Each file as it is; what ships with the gateway is in its image already."""
    _check(loading, file)
    return {
        _key(read, config): read.read_text("utf-8-sig")
        for read in loading.files
        if not read.resolve().is_relative_to(SHIPPED.resolve()) or read.resolve() == config.resolve()
    }


def _key(file: Path, config: Path) -> str:
    if file.resolve() == config.resolve():
        return "tokenhub.yaml"
    if file.resolve().parent != config.resolve().parent:
        raise UnfitError(f"`{file}` is not in the folder of `{config}`: a ConfigMap has no folders; flatten it")
    return file.name


def manifest(texts: Mapping[str, str], digest: str, wish: Wish) -> str:
    """YAML for `kubectl apply -f -`."""
    if sum(len(key) + len(text.encode()) for key, text in texts.items()) > MOST_BYTES:
        raise UnfitError("it is larger than the 1 MiB that a ConfigMap may have")
    for key in texts:
        if not _FIT.fullmatch(key):
            raise UnfitError(f"`{key}` cannot be a key of a ConfigMap: letters, digits, `-`, `_` and `.` only")
    return "".join(f"{line}\n" for line in _lines(texts, digest, wish))


def _check(loading: Loading, file: Path) -> None:
    if loading.declaration is None:
        raise UnfitError(f"`{file}` is not valid; see `tokenhub validate-config {file}`")
    places = [] if loading.tree is None else list(hidden(loading.tree))
    if places:
        raise UnfitError(f"{', '.join(places)}: written out, and a ConfigMap is no place for secrets; use ${{file:…}}")


def _lines(texts: Mapping[str, str], digest: str, wish: Wish) -> Iterator[str]:
    yield "apiVersion: v1"
    yield "kind: ConfigMap"
    yield "metadata:"
    yield f"  name: {_quoted(wish.name + (f'-{content_digest(texts)}' if wish.suffixed else ''))}"
    if wish.namespace is not None:
        yield f"  namespace: {_quoted(wish.namespace)}"
    yield "  labels:"
    yield "    app.kubernetes.io/name: tokenhub"
    yield "  annotations:"
    yield f"    tokenhub/config-digest: {_quoted(digest[:12])}"
    if wish.suffixed:
        yield "immutable: true"
    yield "data:"
    for key, text in sorted(texts.items()):
        yield from _entry(key, text)


def content_digest(texts: Mapping[str, str]) -> str:
    """Of the bytes: unlike the digest of the configuration, it changes with every comment, as the ConfigMap does."""
    return hashlib.sha256(msgspec.json.encode(sorted(texts.items()))).hexdigest()[:SUFFIX_CHARS]


def _entry(key: str, text: str) -> Iterator[str]:
    """A block, so that a diff shows lines; text that a block would change is quoted."""
    lines = text.split("\n")
    if _ODD.search(text) or not lines[0].strip() or text[0] in " \t" or not text.endswith("\n") or lines[-2] == "":
        yield f"  {_quoted(key)}: {_quoted(text)}"
        return
    yield f"  {_quoted(key)}: |"
    for line in lines[:-1]:
        yield f"    {line}" if line else ""


def _quoted(text: str) -> str:
    if re.fullmatch(r"[a-z]+([-.][a-z]+)+", text):
        return text
    return _ODD.sub(lambda odd: f"\\u{ord(odd[0]):04x}", msgspec.json.encode(text).decode())
