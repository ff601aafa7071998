"""`tokenhub catalog list`: models with their prices, by what they can do and what they may cost."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

import click
import msgspec

from gateway.cli.catalog.reading import a_catalogue, models_at
from gateway.config.catalog import SHIPPED_CATALOG
from gateway.config.catalog_diff import Models
from gateway.config.price_terms import terms, usd
from gateway.config.problem import nearest
from gateway.config.shape.offering import Capability

Row = dict[str, Any]

ORDERS: Mapping[str, Callable[[Row], Any]] = MappingProxyType(
    {
        "name": lambda row: row["model"],
        "price": lambda row: (row["price"].get("output", 0.0) + row["price"].get("input", 0.0), row["model"]),
        "weight": lambda row: (-row["weight"], row["model"]),
        "window": lambda row: (-(row["context_window"] or 0), row["model"]),
    }
)
COLUMNS = ("model", "provider", "input", "output", "window", "weight", "capabilities", "retires")


@click.command("list", short_help="List models with their prices, windows and capabilities.")
@click.argument("catalogue", required=False, type=click.Path(path_type=Path), callback=a_catalogue)
@click.option(
    "--capability", "wanted", multiple=True, type=click.Choice(get_args(Capability)), help="Can do this (too)."
)
@click.option("--provider", help="Offered by this one.")
@click.option(
    "--max-price", type=float, metavar="USD", help="At most this for a million tokens of output (or of input)."
)
@click.option("--min-window", type=int, metavar="TOKENS", help="Holds at least this.")
@click.option("--sort", type=click.Choice(list(ORDERS)), default="name", show_default=True, help="In which order.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to answer."
)
def listing(
    catalogue: Path | None,
    wanted: tuple[str, ...],
    provider: str | None,
    max_price: float | None,
    min_window: int | None,
    sort: str,
    form: str,
) -> None:
    """List models with their prices, windows and capabilities.

    CATALOGUE is a configuration, one of its files, or a folder of such files; files that ship with the gateway are
    found by their name. Left out, it is the whole catalogue of hosted models that ships.

    \b
    tokenhub catalog list --capability tools --capability vision --max-price 2 --sort price
    tokenhub catalog list catalog/openai.yaml
    tokenhub catalog list --min-window 900000 --sort weight
    tokenhub catalog list configs/ --format json | jq '.[].model'

    Prices are USD per million tokens.

    With --format json: [{"model", "provider", "id", "price": {"input", "output", …}, "context_window",
    "max_output_tokens", "weight", "capabilities", "retires_on"}].

    Exit status: 0 listed, 1 CATALOGUE is not valid, 2 wrong usage.
    """
    limits = (frozenset(wanted), provider, max_price, min_window)
    everything = list(_rows(models_at(catalogue or SHIPPED_CATALOG)))
    _check_provider(provider, [row["provider"] for row in everything])
    rows = sorted((row for row in everything if _fits(row, *limits)), key=ORDERS[sort])
    click.echo(msgspec.json.encode(rows).decode() if form == "json" else "\n".join(_table(rows)))


def _check_provider(provider: str | None, known: Sequence[str]) -> None:
    if provider is not None and provider not in known:
        hint = nearest(provider, known)
        raise click.UsageError(f"--provider: `{provider}` offers nothing here" + (f"; {hint}" if hint else ""))


def _rows(models: Models) -> Iterator[Row]:
    for name, model in models.items():
        for offer in model.offers:
            yield {
                "model": name,
                "provider": offer.provider,
                "id": offer.id or name,
                "price": terms(offer.price),
                "context_window": model.context_window,
                "max_output_tokens": model.max_output_tokens,
                "weight": model.weight,
                "capabilities": model.capabilities,
                "retires_on": model.retires_on,
            }


def _fits(
    row: Row, wanted: frozenset[str], provider: str | None, max_price: float | None, min_window: int | None
) -> bool:
    dearest = max(row["price"].get("input", 0.0), row["price"].get("output", 0.0))
    return (
        wanted <= set(row["capabilities"])
        and provider in {None, row["provider"]}
        and (max_price is None or (bool(row["price"]) and dearest <= max_price))
        and (min_window is None or (row["context_window"] or 0) >= min_window)
    )


def _table(rows: list[Row]) -> Iterator[str]:
    cells = [COLUMNS, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(COLUMNS))]
    for line in cells:
        parts = (
            f"{cell:>{width}}" if 2 <= column <= 5 else f"{cell:{width}}"
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        yield "  ".join(parts).rstrip()


def _cells(row: Row) -> tuple[str, ...]:
    price = row["price"]
    window = f"{row['context_window']:,}" if row["context_window"] else "-"
    shown = tuple(usd(price[term]) if term in price else "-" for term in ("input", "output"))
    can = ", ".join(row["capabilities"])
    return (row["model"], row["provider"], *shown, window, f"{row['weight']:g}", can, row["retires_on"] or "")
