"""`tokenhub catalog lock`: write down what every offer costs, so that a price never changes unnoticed."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from gateway.cli.places import find_config
from gateway.cli.show_problems import show
from gateway.config.load import World, load
from gateway.config.price_lock import Lock, LockError, lock_path, lock_text, make_lock, read_lock


@click.command("lock", short_help="Write prices.lock: what every offer costs, and where that is said.")
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to answer."
)
def lock(config: Path | None, form: str) -> None:
    """Write prices.lock: what every offer costs, and where that is said.

    Prices come from your own files and from those they include: your colleagues' and those that ship with the gateway.
    The lock keeps what they came to, beside CONFIG and in version control: prices.lock for a tokenhub.yaml,
    NAME.prices.lock for a NAME.yaml. `tokenhub validate-config --locked` then refuses a price that is not the locked
    one: no update of the package or of a shared file changes a bill unread.

    \b
    tokenhub catalog lock
    git diff prices.lock
    tokenhub validate-config --locked

    Each line holds an offer's price, the file and line that say it, and the day since when it is locked. Locking twice
    changes nothing.

    With --format json: {"file", "digest", "offers", "new", "changed", "gone"}; the last three are lists of offers.

    Exit status: 0 written, 1 CONFIG is not valid, 2 wrong usage.
    """
    path = find_config(config)
    today = datetime.now(UTC).date()
    loading = load(path, World(env=os.environ, today=today, secrets="skip"))
    if loading.declaration is None:
        show(loading.problems, omitted=loading.omitted, err=True)
        sys.exit(1)
    file = lock_path(path)
    before = _before(file)
    made = make_lock(loading, path.parent, today, before)
    file.write_text(lock_text(made), encoding="utf-8")
    click.echo(_told(file, before, made, form))


def _before(file: Path) -> Lock | None:
    """A lock that is broken is replaced as if there were none."""
    try:
        return read_lock(file)
    except LockError:
        return None


def _told(file: Path, before: Lock | None, made: Lock, form: str) -> str:
    old = before.offers if before else {}
    changes = {
        "new": [name for name in made.offers if name not in old],
        "changed": [name for name, one in made.offers.items() if name in old and one.price != old[name].price],
        "gone": [name for name in old if name not in made.offers],
    }
    if form == "json":
        fields = {"file": str(file), "digest": made.digest, "offers": len(made.offers), **changes}
        return msgspec.json.encode(fields).decode()
    counts = ", ".join(f"{len(names)} {what}" for what, names in changes.items() if names)
    number = len(made.offers)
    return f"{file}: {number} {'price' if number == 1 else 'prices'} locked" + (
        f" ({counts})" if counts else ", as before"
    )
