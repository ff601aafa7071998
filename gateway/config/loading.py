"""The outcome of loading: a declaration that holds, or the problems that stand against it; as a value and as bytes."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from gateway.config.problem import Problem
from gateway.config.shape import Declaration
from gateway.config.tree import Node
from gateway.config.whereabouts import Place


class Loading(Struct, frozen=True, kw_only=True):
    """Everything loading found out."""

    declaration: Declaration | None
    """None if there is any error."""
    problems: tuple[Problem, ...]
    """In order; at most fifty, errors before warnings."""
    omitted: int = 0
    """How many more there are."""
    digest: str | None
    """SHA-256 of the merged declaration, in hex: references count, their values do not."""
    fingerprint: str
    """Digest of all raw bytes read, secret files included; tells whether anything changed, and is not for showing."""
    files: tuple[Path, ...]
    """Everything read, or looked for in vain: the file, its includes, its secret files."""
    folders: tuple[Path, ...] = ()
    """Where patterns of `include:` look, and where files that are missing would appear."""
    secrets: Mapping[str, str] = {}
    """Reference as written to its value; empty unless they were to be resolved."""
    data_dir: str = ".tokenhub"
    """Where state lives if the declaration does not say."""
    places: Mapping[str, Place] = {}
    """Of everything under `tests:`, by path."""
    candidate: Path | None = None
    """Where the configuration named by `canary:` lies."""
    bare_digest: str | None = None
    """The digest without `canary:`, which tells whether two configurations say the same otherwise."""
    tree: Node | None = None
    """The merged tree with the origin of each leaf; stays in the process that loaded."""

    def __repr__(self) -> str:
        return f"Loading({self.digest}, {len(self.problems)} problems)"


class _Sent(Struct, kw_only=True, array_like=True):
    declaration: Declaration | None
    problems: tuple[Problem, ...]
    omitted: int
    digest: str | None
    fingerprint: str
    files: tuple[str, ...]
    folders: tuple[str, ...]
    secrets: dict[str, str]
    data_dir: str
    places: dict[str, Place] = {}
    candidate: str | None = None
    bare_digest: str | None = None


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Sent)


def encode_loading(loading: Loading) -> bytes:
    """For the way from a child process to its parent; holds secrets, so it goes through a pipe and never to disk."""
    return _ENCODER.encode(
        _Sent(
            declaration=loading.declaration,
            problems=loading.problems,
            omitted=loading.omitted,
            digest=loading.digest,
            fingerprint=loading.fingerprint,
            files=tuple(map(str, loading.files)),
            folders=tuple(map(str, loading.folders)),
            secrets=dict(loading.secrets),
            data_dir=loading.data_dir,
            places=dict(loading.places),
            candidate=None if loading.candidate is None else str(loading.candidate),
            bare_digest=loading.bare_digest,
        )
    )


def decode_loading(data: bytes) -> Loading:
    """What `encode_loading` sent."""
    sent = _DECODER.decode(data)
    return Loading(
        declaration=sent.declaration,
        problems=sent.problems,
        omitted=sent.omitted,
        digest=sent.digest,
        fingerprint=sent.fingerprint,
        files=tuple(map(Path, sent.files)),
        folders=tuple(map(Path, sent.folders)),
        secrets=sent.secrets,
        data_dir=sent.data_dir,
        places=sent.places,
        candidate=None if sent.candidate is None else Path(sent.candidate),
        bare_digest=sent.bare_digest,
    )
