"""Lines of a journal sorted for a database: which rows to write, and what they add to the daily sums."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple

from gateway.state.ledger.record import Admitted, AuditRow, Bodies, Entry, Record
from gateway.state.ledger.short import (
    AMOUNTS,
    COMMON_COLUMNS,
    NOTHING_RARE,
    OWN_COLUMNS,
    PLAIN_COLUMNS,
    Common,
    Commons,
    Line,
    Plain,
    Short,
    Values,
    entries_of,
    full,
)

ADMISSION_COLUMNS: tuple[str, ...] = Admitted.__struct_fields__
AUDIT_COLUMNS = ("id", "unix", "who", "what", "subject", "place", "before", "after")
SUMMED = ("requests", "errors", "unknown", "tokens", *AMOUNTS)
USAGE_KEY = ("day", "key", "model", "provider")
DAY_S = 86400

Row = tuple[Any, ...]
Alike = dict[Values, list[Values]]
"""Requests by what they have in common: the values of COMMON_COLUMNS, and those of OWN_COLUMNS for each of them.

Plain ones have NOTHING_RARE in common, too, and of their own the values of PLAIN_COLUMNS.
"""
Risen = list[tuple[float, str]]
"""Of requests of which more is known now than that they were lost: when they were admitted, and with which key."""

_own = attrgetter(*OWN_COLUMNS)
_common = attrgetter(*COMMON_COLUMNS)
_summed_by = itemgetter(*(COMMON_COLUMNS.index(name) for name in ("key", "model", "provider", "outcome", "status")))
_KEY, _OUTCOME = COMMON_COLUMNS.index("key"), COMMON_COLUMNS.index("outcome")
_PLACES_OF_AMOUNTS = {
    columns: tuple(columns.index(name) if name in columns else None for name in AMOUNTS)
    for columns in (OWN_COLUMNS, PLAIN_COLUMNS)
}
_TOKENS = len(AMOUNTS) - 2
_NOTHING = (0,) * (1 + _TOKENS + 1)
_KNOWN_NOW = (-1, -1, -1, *_NOTHING, 0)
"""In the order of SUMMED."""


class Batch(Struct, frozen=True):
    """What one transaction writes."""

    requests: Alike
    """One for each id."""
    admissions: list[Admitted]
    """Those without a record in the same batch, one for each id."""
    audit: list[AuditRow]
    bodies: list[Bodies]
    count: int
    """Of the rows that it was made of."""
    spoilt: int
    """Of them, those that are lost: nobody knows what they have in common with others."""


def batch_of(lines: Sequence[Line], commons: Commons | None = None) -> Batch:
    """`commons` is what lines before these have said; what these say is added to it."""
    commons = {} if commons is None else commons
    short: defaultdict[int, list[Values]] = defaultdict(list)
    plain: defaultdict[int, list[Values]] = defaultdict(list)
    others: defaultdict[type, list[Any]] = defaultdict(list)
    for line in lines:
        if type(line) is Plain:
            plain[line.number].append(line.own)
        elif type(line) is Short:
            short[line.number].append(line.own)
        else:
            others[type(line)].append(line)
    commons |= {line.number: line.values for line in others[Common]}
    requests, spoilt = alike(others[Record]), 0
    for kind, rare in ((short, ()), (plain, NOTHING_RARE)):
        for number, rows in kind.items():
            if number in commons:
                requests.setdefault((*commons[number], *rare), []).extend(rows)
            else:
                spoilt += len(rows)
    ids = ids_of(requests)
    known = set(ids)
    if len(known) < len(ids):
        requests = alike(_best_known(entries_of(lines, commons)))
    begun = {each.id: each for each in others[Admitted] if each.id not in known}
    count = len(lines) - len(others[Common])
    return Batch(requests, list(begun.values()), others[AuditRow], others[Bodies], count, spoilt)


def _best_known(entries: Iterable[Entry]) -> Iterable[Record]:
    """Of several for one id the first that knows more than that it was lost."""
    records = [each for each in entries if type(each) is Record]
    known = {each.id: each for each in reversed(records)}
    return (known | {each.id: each for each in reversed(records) if each.outcome != "unknown"}).values()


def ids_of(requests: Alike) -> list[str]:
    return [own[0] for rows in requests.values() for own in rows]


def is_plain(common: Values) -> bool:
    """What requests have in common says whether they are."""
    return len(common) > len(COMMON_COLUMNS)


def whole_rows(requests: Alike) -> list[Row]:
    """Each in the order of OWN_COLUMNS and COMMON_COLUMNS."""
    width = len(COMMON_COLUMNS)
    return [(*full(own), *common[:width]) for common, rows in requests.items() for own in rows]


def news(requests: Alike, known: Mapping[str, str]) -> tuple[Alike, Risen]:
    """Those that the database does not have yet, or has as `unknown` only; and, of them, the latter.

    `known` is outcome by id.
    """
    if not known:
        return requests, []
    fresh: Alike = {}
    risen: Risen = []
    for common, rows in requests.items():
        outcome = common[_OUTCOME]
        new = [own for own in rows if own[0] not in known or known[own[0]] == "unknown" != outcome]
        if new:
            fresh[common] = new
            risen += [(own[1], common[_KEY]) for own in new if own[0] in known]
    return fresh, risen


def alike(records: Iterable[Record]) -> Alike:
    groups: Alike = {}
    for record in records:
        groups.setdefault(_common(record), []).append(_own(record))
    return groups


def sums(groups: Alike, risen: Risen = []) -> list[Row]:  # noqa: B006 - never changed
    """What to add to the daily sums: the key of each row, then SUMMED. An `unknown` that became known moves over."""
    table: dict[Row, list[Row]] = {}
    for common, rows in groups.items():
        key, model, provider, outcome, status = _summed_by(common)
        places = _PLACES_OF_AMOUNTS[PLAIN_COLUMNS if is_plain(common) else OWN_COLUMNS]
        for day, columns in _by_day(rows):
            summed = [0 if place is None else sum(columns[place]) for place in places]
            amounts = _amounts(outcome, status, len(columns[0]), summed)
            table.setdefault((day, key, model, provider), []).append(amounts)
    for unix, key in risen:
        table.setdefault((unix // DAY_S, key, "", ""), []).append(_KNOWN_NOW)
    return [(_day(int(day)), *who, *map(sum, zip(*rows, strict=True))) for (day, *who), rows in sorted(table.items())]


def row_of(entry: Entry) -> Row:
    """The values in the order of the columns."""
    return astuple(entry)


def day_of(unix: float) -> str:
    return _day(int(unix // DAY_S))


@lru_cache(maxsize=64)
def _day(number: int) -> str:
    return datetime.fromtimestamp(number * DAY_S, UTC).strftime("%Y-%m-%d")


def _by_day(rows: list[Row]) -> Iterator[tuple[float, list[Row]]]:
    """As columns. Nearly always there is one day only."""
    columns = list(zip(*rows, strict=True))
    first, last = min(columns[1]) // DAY_S, max(columns[1]) // DAY_S
    if first == last:
        yield first, columns
        return
    for day in {unix // DAY_S for unix in columns[1]}:
        yield day, list(zip(*(row for row in rows if row[1] // DAY_S == day), strict=True))


def _amounts(outcome: str, status: int, count: int, summed: list[int]) -> Row:
    """In the order of SUMMED. Of what was lost nobody knows an amount, and an estimate is none."""
    if outcome == "unknown":
        return (count, count, count, *_NOTHING, summed[-1])
    return (count, count if status >= 400 else 0, 0, sum(summed[:_TOKENS]), *summed)
