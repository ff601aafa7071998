"""Decide which rows are offered: sold, callable, told with numbers that can be true; and why the rest is not."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from statistics import median

from msgspec import Struct

from gateway.dialects.registry import SPEAKERS
from gateway.domain.dialect_facts import DIALECTS
from tests.catalog.facts import AS_OF, Row
from tests.catalog.vendors import BY_PROFILE, OTHER_CALL, UNLISTED, Vendor

SOON = timedelta(days=60)
"""The validator's warning begins here (`defaults.retire_warn_days`)."""

FOREIGN = re.compile(r"guard|moderation|rerank|robotics|lyria|omni-|-tts|ocr|model-router|container")
TRIAL = re.compile(r"preview|experimental|beta|nightly|learnlm|^labs-|(^|-)exp(-|$)")
STAMP = re.compile(r"-(latest|\d{4}-\d{2}-\d{2}|\d{8}|\d{4})$")
MODES = {"chat": "chat", "completion": "completions", "embedding": "embeddings"}

PRICED = ("input", "output", "cache_read", "cache_write", "reasoning", "audio_input", "audio_output")
LONG = ("input_above_200k", "output_above_200k")


class Chosen(Struct, frozen=True):
    """What of one vendor is offered, and what is not, by reason."""

    rows: tuple[Row, ...]
    left_out: Mapping[str, tuple[Row, ...]]


def choose(vendor: Vendor, rows: Iterable[Row]) -> Chosen:
    """Rules in order, the first that speaks counts; of several names for one model the undated one stays."""
    everything = tuple(rows)
    usual, ids = _usual_prices(everything), frozenset(row.id for row in everything)
    everything = rows_of(vendor, everything)
    kept: list[Row] = []
    left: dict[str, list[Row]] = {}
    for row in everything:
        reason = _reason_against(row, vendor, ids)
        reason = reason or ("numbers that cannot be true" if _is_incredible(row, usual) else None)
        (left.setdefault(reason, []) if reason else kept).append(row)
    for row in tuple(kept):
        if _is_another_name(row, kept, vendor):
            kept.remove(row)
            left.setdefault(ANOTHER_NAME, []).append(row)
    return Chosen(tuple(kept), {why: tuple(rows) for why, rows in sorted(left.items())})


def rows_of(vendor: Vendor, rows: Iterable[Row]) -> tuple[Row, ...]:
    """Those that belong to the vendor's file."""
    return tuple(row for row in rows if vendor.only is None or re.search(vendor.only, row.id))


ANOTHER_NAME = "a dated or moving name of a model that is here"


def _reason_against(row: Row, vendor: Vendor, ids: frozenset[str]) -> str | None:
    reason = next((why for why, rule in RULES.items() if rule(row)), None) or vendor.apart_for(row.id)
    if reason is None and {f"us.{row.id}", f"global.{row.id}"} & ids:
        return BY_PROFILE
    if reason is None and vendor.listed_at and not re.search(vendor.listed_at, row.source or ""):
        return UNLISTED
    if reason is None and MODES[row.mode or ""] not in supported(vendor.dialect):
        return OTHER_CALL
    return reason


def _is_foreign(row: Row) -> bool:
    return row.mode not in {*MODES, "responses"} or bool(FOREIGN.search(row.id))


def _is_retired(row: Row) -> bool:
    return row.retires_on is not None and row.retires_on <= AS_OF + SOON


def _has_gaps(row: Row) -> bool:
    usd = row.usd_per_million_tokens
    priced = "input" in usd and ("output" in usd or row.mode == "embedding")
    return row.context_window is None or not priced


def _is_free(row: Row) -> bool:
    usd = row.usd_per_million_tokens
    return not usd.get("input") and not usd.get("output")


RULES: Mapping[str, Callable[[Row], bool]] = {
    "not for chat, completions or embeddings (moderation, reranking, guards, media, robots)": _is_foreign,
    "retired, or retiring within 60 days": _is_retired,
    "called through a Responses API only": lambda row: row.mode == "responses",
    "a preview, beta or experiment": lambda row: bool(TRIAL.search(row.id)),
    "no price or no context window": _has_gaps,
    "no price but 0: a free trial is no list price": _is_free,
}


def supported(dialect: str) -> frozenset[str]:
    """What of docs/providers.md the dialect can say."""
    support = SPEAKERS[DIALECTS[dialect].speaks].support_of(dialect)
    return frozenset(feature for feature, how in support.items() if how != "refused")


def _usual_prices(rows: Iterable[Row]) -> Mapping[str, float]:
    prices: dict[str, list[float]] = {}
    for row in rows:
        price = row.usd_per_million_tokens.get("input")
        if price:
            prices.setdefault(row.mode or "", []).append(price)
    return {mode: median(found) for mode, found in prices.items()}


def _is_incredible(row: Row, usual: Mapping[str, float]) -> bool:
    """A hundred times its siblings' price, an answer longer than the window, a cache dearer than no cache."""
    usd = row.usd_per_million_tokens
    longer = (row.max_output or 0) > (row.context_window or 0) and row.mode != "embedding"
    return longer or usd["input"] > 100 * usual[row.mode or ""] or usd.get("cache_read", 0) > usd["input"]


def _is_another_name(row: Row, rows: list[Row], vendor: Vendor) -> bool:
    """Same vendor, same numbers, and a name that differs by nothing but a date or `-latest`."""
    base = STAMP.sub("", row.id)
    same = [other for other in rows if STAMP.sub("", other.id) == base and numbers(other) == numbers(row)]
    return row is not min(same, key=lambda other: _rank(other.id, vendor))


def _rank(name: str, vendor: Vendor) -> tuple[int, str]:
    moving = name.endswith("-latest")
    dated = bool(STAMP.search(name)) and not moving
    return (2 if dated else 0 if moving == vendor.says_latest else 1, name)


def numbers(row: Row) -> tuple[object, ...]:
    """Everything the catalogue says in figures."""
    prices = tuple(row.usd_per_million_tokens.get(kind) for kind in (*PRICED, *LONG))
    return (row.mode, row.context_window, row.max_output, *prices)


def last_snapshot_day(row: Row, rows: Iterable[Row]) -> str | None:
    """A name without a retirement date, all of whose dated snapshots have one, hardly outlives them."""
    dated = [other for other in rows if other.id != row.id and re.sub(r"-\d{4}-\d{2}-\d{2}$", "", other.id) == row.id]
    days = [other.retires_on for other in dated if other.retires_on is not None]
    return max(days).isoformat() if days and len(days) == len(dated) and row.retires_on is None else None
