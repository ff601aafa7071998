"""Print one vendor's file: its provider, and each model with its window, its capabilities, its weight and its offer."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from tests.catalog.choose import MODES, Chosen, last_snapshot_day, supported
from tests.catalog.facts import AS_OF, Row
from tests.catalog.vendors import Vendor

STEPS = (0.375, 0.75, 1.5, 3.0, 6.0, 12.0, 24.0, 48.0)
"""USD per million tokens of output: each doubling is a point of weight."""

HEAD = """\
# yaml-language-server: $schema=../../schemas/tokenhub.schema.json
#
# {title}
#
# as_of:   {as_of}
# sources: {sources}
# needs:   {needs}
# models:  {here} of {all} rows{why}
#
# Printed by `python -m tests.catalog` from tests/data/hosted-models.json; do not edit: include it, and say in your own
# file what shall be otherwise (docs/catalog.md). USD per million tokens at list price, without discounts for batches.
# weight: 1, and a point more for each of these prices of output that is reached:
#   {steps} USD; and a point for reasoning. Embeddings: 0.
"""

PRICES = (
    ("input", "input"),
    ("output", "output"),
    ("cached_input", "cache_read"),
    ("cache_write", "cache_write"),
    ("reasoning", "reasoning"),
    ("audio_input", "audio_input"),
    ("audio_output", "audio_output"),
)
"""Our names, and those of the facts."""

FEATURES = (
    ("tools", ("tools",), ("function_calling",)),
    ("vision", ("image_url", "image_data"), ("vision", "image_input")),
    ("audio", ("audio_input", "audio_output"), ("audio_input", "audio_output")),
    ("json_schema", ("json_schema",), ("response_schema", "native_structured_output")),
    ("reasoning", ("chat",), ("reasoning",)),
)
"""Our name; one of these the dialect must be able to say; one of these the facts must tell of the model."""


def print_file(vendor: Vendor, chosen: Chosen, rows: tuple[Row, ...]) -> str:
    """The whole file."""
    models = sorted(((model_name(vendor, row), row) for row in chosen.rows), key=lambda pair: _natural(pair[0]))
    lines = [_head(vendor, chosen, rows), "version: 1\n", "providers:", f"  {vendor.name}:"]
    lines += [f"    {line}" for line in vendor.entry]
    lines += ["", "models:"]
    lines += [line for name, row in models for line in _model(vendor, name, row, rows)]
    return "\n".join(lines) + "\n"


def model_name(vendor: Vendor, row: Row) -> str:
    """The vendor's own id; at a host with the host's name before it, and without what only the host needs."""
    name = row.id
    if vendor.name.startswith("bedrock"):
        name = re.sub(r"^(us|eu|global)\.", "", name)
        maker, _, model = name.partition(".")
        name = f"{maker}-{model}" if maker in {"deepseek", "cohere"} else model or name
        if row.mode != "embedding":
            name = re.sub(r"(-\d{8})?(-v\d+:\d+|-v1|-\d+:\d+)$", "", name)
        name = name.replace(":0", "")
    return vendor.prefix + name.rpartition("/")[2]


def weight(row: Row) -> int:
    """By the rule at the head of each file."""
    if row.mode == "embedding":
        return 0
    reached = sum(row.usd_per_million_tokens["output"] >= step for step in STEPS)
    return min(10, 1 + reached + ("reasoning" in row.supports))


def _head(vendor: Vendor, chosen: Chosen, rows: tuple[Row, ...]) -> str:
    hosts = sorted({urlsplit(row.source).netloc for row in chosen.rows if row.source})
    why = "".join(f"\n#   left out, {len(left):>3}: {reason}" for reason, left in chosen.left_out.items())
    text = HEAD.format(
        title=vendor.title,
        as_of=AS_OF,
        sources=", ".join(hosts) or "the vendor's price list",
        needs=vendor.needs,
        here=len(chosen.rows),
        all=len(rows),
        why=why,
        steps=", ".join(f"{step:g}" for step in STEPS),
    )
    return text + "".join(f"# {note}\n" for note in vendor.notes)


def _model(vendor: Vendor, name: str, row: Row, rows: Iterable[Row]) -> Iterator[str]:
    day = last_snapshot_day(row, rows)
    yield f"  {_key(name)}:" + (f"   # its dated snapshots retire by {day}" if day else "")
    yield f"    weight: {weight(row)}"
    yield f"    context_window: {row.context_window}"
    if row.mode != "embedding":
        unknown = "" if row.max_output else "   # no limit of its own is published: the window"
        yield f"    max_output_tokens: {row.max_output or row.context_window}{unknown}"
    yield f"    capabilities: [{', '.join(capabilities(vendor, row))}]"
    if row.id in vendor.bridged:
        yield "    completions: via-chat"
    if row.retires_on:
        yield f"    retires_on: {row.retires_on}"
    called = "" if row.id == name else f"id: {_value(row.id)}, "
    yield f"    offers: [{{provider: {vendor.name}, {called}price: {{{', '.join(_prices(row))}}}}}]"


def capabilities(vendor: Vendor, row: Row) -> list[str]:
    """What the model can do and the dialect can say."""
    call, sayable = MODES[row.mode or ""], supported(vendor.dialect)
    if call == "embeddings":
        sized = vendor.sizes and re.search(vendor.sizes, row.id) and "embedding_dimensions" in sayable
        return [call, "dimensions"] if sized else [call]
    told = row.supports | {kind for kind in ("audio_input", "audio_output") if kind in row.usd_per_million_tokens}
    return [call] + [ours for ours, words, facts in FEATURES if sayable & set(words) and told & set(facts)]


def _prices(row: Row) -> Iterator[str]:
    usd = row.usd_per_million_tokens
    for ours, theirs in PRICES:
        price = usd.get(theirs, 0.0 if theirs == "output" else None)
        if price is not None and (price or ours != "cache_write"):
            yield f"{ours}: {_number(price)}"
    if "input_above_200k" in usd and (row.context_window or 0) > 200_000:
        long = f"input: {_number(usd['input_above_200k'])}, output: {_number(usd['output_above_200k'])}"
        yield f"above: {{tokens: 200000, {long}}}"


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[a-z][a-z0-9._-]*", name) else f'"{name}"'


def _value(name: str) -> str:
    return name if re.fullmatch(r"[a-z][a-z0-9._/-]*", name) else f'"{name}"'


def _natural(name: str) -> list[tuple[int, int, str]]:
    """`gpt-6` before `gpt-10`."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]
