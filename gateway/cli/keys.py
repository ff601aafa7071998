"""`tokenhub keys`: make keys; the files hold their digests only."""

import hashlib
import re
import secrets
import string
from typing import get_args

import click
import msgspec

from gateway.config.shape.words import WORDS
from gateway.domain.key import Scope

_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 43
"""Of 62 characters each: 256 bits."""


@click.group("keys", short_help="Make keys for callers.", context_settings={"help_option_names": ["-h", "--help"]})
def keys() -> None:
    """Make keys for callers.

    A key is a secret string that a caller sends as `Authorization: Bearer KEY`. Configuration files hold its SHA-256
    digest, never the key itself.
    """


@keys.command("new", short_help="Make a key, print it once, and the YAML entry for it.")
@click.argument("name")
@click.option(
    "--scopes",
    multiple=True,
    metavar="SCOPE[,SCOPE…]",
    help=f"What the key may do: {', '.join(get_args(Scope))}. Left out: everything but admin.",
)
@click.option("--models", multiple=True, metavar="MODEL[,MODEL…]", help="Models it may use; left out: all.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to answer."
)
def new(name: str, scopes: tuple[str, ...], models: tuple[str, ...], form: str) -> None:
    """Make a key, print it once, and the YAML entry for it.

    Nothing is stored: give the key to its caller, and put the entry under `keys:` of the configuration.

    \b
    tokenhub keys new web-app
    tokenhub keys new web-app --scopes chat,embeddings --models 'gpt-4o,anthropic/*'

    To rotate a key, make another and list both digests: `digest: [sha256:old…, sha256:new…]`. Both open one account
    with one budget, until the old one is removed.

    With --format json: {"name", "key", "entry"}.

    Exit status: 0 made, 2 wrong usage.
    """
    if not re.fullmatch(WORDS["key"].pattern or "", name):
        raise click.BadParameter(f"expected {WORDS['key'].expected}", param_hint="NAME")
    wanted = _split(scopes)
    for scope in wanted:
        if scope not in get_args(Scope):
            raise click.BadParameter(f"{scope!r} is not one of {', '.join(get_args(Scope))}", param_hint="--scopes")
    key, digest = new_key()
    entry: dict[str, object] = {"name": name, "digest": digest}
    entry |= {"scopes": wanted} if wanted else {}
    entry |= {"models": _split(models)} if models else {}
    if form == "json":
        click.echo(msgspec.json.encode({"name": name, "key": key, "entry": entry}).decode())
        return
    click.echo("The key, shown this once:", err=True)
    click.echo(key)
    click.echo("\nThe entry for the configuration:", err=True)
    click.echo(_as_yaml(entry))


def new_key() -> tuple[str, str]:
    """The key for its caller, and its digest for the files."""
    key = "th-" + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return key, "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def _split(values: tuple[str, ...]) -> list[str]:
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _as_yaml(entry: dict[str, object]) -> str:
    lines = [
        f"{field}: {_list(value) if isinstance(value, list) else _word(str(value))}" for field, value in entry.items()
    ]
    return "keys:\n  - " + "\n    ".join(lines)


def _list(values: list[str]) -> str:
    return "[" + ", ".join(map(_word, values)) + "]"


def _word(text: str) -> str:
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_/.-]*|sha256:[0-9a-f]{64}", text)
    return text if plain and text.lower() not in {"true", "false", "null"} else msgspec.json.encode(text).decode()
