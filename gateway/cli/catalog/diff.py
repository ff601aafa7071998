"""`tokenhub catalog diff`: which models came, went or retired, and which prices and windows changed."""

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import click
import msgspec

from gateway.cli.catalog.reading import a_catalogue, models_at
from gateway.config.catalog_diff import CatalogDiff, Change, Models, catalog_diff
from gateway.config.price_terms import terms, usd
from gateway.config.shape.offering import Model, Offer


@click.command("diff", short_help="Compare two catalogues: models, prices, windows.")
@click.argument("old", type=click.Path(path_type=Path), callback=a_catalogue)
@click.argument("new", type=click.Path(path_type=Path), callback=a_catalogue)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to answer."
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 where they differ.")
def diff(old: Path, new: Path, form: str, exit_code: bool) -> None:
    """Compare two catalogues: models, prices, windows.

    OLD and NEW are configurations (a file, or a folder that holds tokenhub.yaml), single files of a catalogue, or
    folders of them. Compared is what they declare under `models:`; how requests would route is told by `plan`.

    \b
    tokenhub catalog diff main/configs configs
    tokenhub catalog diff catalog-of-last-month/ configs/catalog/
    tokenhub catalog diff old/openai.yaml new/openai.yaml --format json | jq '.changed[]'

    A model that is gone counts as retired where OLD announced its last day, and as removed where it did not.

    With --format json: {"same", "added": [name], "removed": [name], "retired": [{"model", "retires_on"}], "changed":
    [{"model", "offer", "field", "old", "new"}]}. `offer` is the provider, or null where the change is the model's;
    fields of prices are `price.input` and so on, USD per million tokens.

    Exit status: 0 compared, 1 one of them is not valid (with --exit-code: or they differ), 2 wrong usage.
    """
    before, after = models_at(old), models_at(new)
    found = catalog_diff(before, after)
    click.echo(_as_json(found) if form == "json" else "\n".join(_lines(found, after)))
    sys.exit(1 if exit_code and not found.same else 0)


def _as_json(found: CatalogDiff) -> str:
    fields: dict[str, Any] = {"same": found.same} | msgspec.to_builtins(found)
    return msgspec.json.format(msgspec.json.encode(fields), indent=2).decode()


def _lines(found: CatalogDiff, after: Models) -> Iterator[str]:
    for name in found.added:
        yield click.style(f"+ {name}", fg="green") + f": {_summary(after[name])}"
    for name in found.removed:
        yield click.style(f"- {name}", fg="red") + ": removed"
    for gone in found.retired:
        yield click.style(f"- {gone.model}", fg="red") + f": retired, its last day was given as {gone.retires_on}"
    for (model, offer), changes in groupby(found.changed, key=lambda change: (change.model, change.offer)):
        where = f"{model} at {offer}" if offer else model
        yield click.style(f"~ {where}", fg="yellow") + ": " + ", ".join(map(_change, changes))
    yield _verdict(found)


def _summary(model: Model) -> str:
    window = f", window {model.context_window:,}" if model.context_window else ""
    return "; ".join(f"{offer.provider} {_price(offer)}" for offer in model.offers) + window


def _price(offer: Offer) -> str:
    said = ", ".join(f"{term} {usd(value)}" for term, value in terms(offer.price).items())
    return said or "unpriced"


def _change(change: Change) -> str:
    if change.field == "offer":
        return "no longer offered" if change.new is None else "offered"
    return f"{change.field.removeprefix('price.')} {_word(change.old)} -> {_word(change.new)}"


def _word(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(value) + "]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return usd(value) if isinstance(value, float) or value is None else str(value)


def _verdict(found: CatalogDiff) -> str:
    if found.same:
        return "no difference"
    changed = len({change.model for change in found.changed})
    counts = {
        "added": len(found.added),
        "removed": len(found.removed),
        "retired": len(found.retired),
        "changed": changed,
    }
    return "models: " + ", ".join(f"{number} {what}" for what, number in counts.items() if number)
