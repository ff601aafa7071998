"""What changed between two snapshots, in sentences for people: never a secret, only that one changed."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from gateway.config.permits import targets
from gateway.domain.key import Key
from gateway.domain.snapshot import Snapshot
from gateway.domain.table import Alias, Model, Offer, Price, Provider, Split

SENTENCES = 200


class Counts(Struct, frozen=True, kw_only=True):
    """Of one kind of thing."""

    added: int = 0
    removed: int = 0
    changed: int = 0


class Changes(Struct, frozen=True, kw_only=True):
    """What a reload brought."""

    sentences: tuple[str, ...]
    """At most two hundred."""
    counts: Mapping[str, Counts]
    """By `providers`, `models`, `offers`, `aliases`, `fallbacks`, `keys`, `settings`; only where there are any."""


class _Part(NamedTuple):
    kind: str
    noun: str
    of: Callable[[Snapshot], Mapping[str, Any]]
    differences: Callable[[Any, Any], Iterable[str]]


def changes(old: Snapshot, new: Snapshot) -> Changes:
    """Everything that a reload from one to the other changes."""
    sentences: list[str] = []
    counts: dict[str, Counts] = {}
    for part in _PARTS:
        found = _compare(part, part.of(old), part.of(new), sentences)
        if found != Counts():
            counts[part.kind] = found
    more = len(sentences) - SENTENCES
    shown = (*sentences[:SENTENCES], f"and {more} more changes") if more > 0 else tuple(sentences)
    return Changes(sentences=shown, counts=counts)


def _compare(part: _Part, old: Mapping[str, Any], new: Mapping[str, Any], sentences: list[str]) -> Counts:
    added, removed = [name for name in new if name not in old], [name for name in old if name not in new]
    sentences += [f"{part.noun} `{name}` added" for name in added]
    sentences += [f"{part.noun} `{name}` removed" for name in removed]
    changed = 0
    for name, mine in new.items():
        other = old.get(name)
        if other is None or other == mine:
            continue
        differences = list(part.differences(other, mine))
        changed += bool(differences)
        sentences += [f"{part.noun} `{name}`: {difference}" for difference in differences]
    return Counts(added=len(added), removed=len(removed), changed=changed)


def _provider(old: Provider, new: Provider) -> Iterable[str]:
    if old.base_url != new.base_url:
        yield f"base_url {old.base_url} -> {new.base_url}"
    if old.api_key != new.api_key:
        yield "api_key changed"
    if dict(old.headers) != dict(new.headers):
        yield "headers changed"
    if old.options != new.options:
        yield "options changed"
    yield from _fields(old, new, ("dialect", "enabled", "allow_private", "max_concurrency"))
    for field in ("labels", "timeouts", "tls", "proxy"):
        if getattr(old, field) != getattr(new, field):
            yield f"{field} changed"


def _model(old: Model, new: Model) -> Iterable[str]:
    yield from _fields(old, new, ("weight", "context_window", "max_output_tokens", "enabled", "via_chat", "retires_on"))
    gained, lost = sorted(new.capabilities - old.capabilities), sorted(old.capabilities - new.capabilities)
    if gained:
        yield f"capabilities gained: {', '.join(gained)}"
    if lost:
        yield f"capabilities lost: {', '.join(lost)}"


def _offer(old: Offer, new: Offer) -> Iterable[str]:
    yield from _fields(old, new, ("id", "share"))
    if old.price != new.price:
        yield f"price {_said(old.price)} -> {_said(new.price)}"


def _said(price: Price | None) -> str:
    if price is None:
        return "none"
    extra = [
        f"{field} {getattr(price, field):g}"
        for field in ("cached_input", "cache_write", "reasoning", "audio_input", "audio_output", "image", "request")
        if getattr(price, field)
    ]
    above = [f"above {price.above.tokens} tokens {price.above.input:g}/{price.above.output:g}"] if price.above else []
    return ", ".join([f"{price.input:g}/{price.output:g}", *extra, *above])


def _alias(old: Alias, new: Alias) -> Iterable[str]:
    if old.meaning != new.meaning:
        yield f"{_meaning(old)} -> {_meaning(new)}"
    yield from _fields(old, new, ("enabled",))


def _meaning(alias: Alias) -> str:
    if isinstance(alias.meaning, Split):
        return " + ".join(f"{share.weight:g} {share.model}" for share in alias.meaning.shares)
    return ", ".join(targets(alias))


def _key(old: Key, new: Key) -> Iterable[str]:
    if old.digests != new.digests:
        yield "digest changed"
    yield from _fields(old, new, ("scopes", "models", "providers", "expires_unix", "enabled"))
    yield from _fields(old.limits, new.limits, old.limits.__struct_fields__)


def _fallback(old: tuple[str, ...], new: tuple[str, ...]) -> Iterable[str]:
    yield f"{', '.join(old)} -> {', '.join(new)}"


def _settings(old: Any, new: Any) -> Iterable[str]:
    """Single fields where they are plain, else only that they changed."""
    if old is None or new is None or type(old) is not type(new):
        yield "changed"
        return
    for field in new.__struct_fields__:
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            plain = isinstance(before, int | float | str) and isinstance(after, int | float | str)
            yield f"{field} {before} -> {after}" if plain else f"{field} changed"


def _fields(old: Any, new: Any, fields: Iterable[str]) -> Iterable[str]:
    for field in fields:
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            yield f"{field} {_word(before)} -> {_word(after)}"


def _word(value: Any) -> str:
    if isinstance(value, frozenset | tuple):
        return ", ".join(sorted(value)) or "all"
    return f"{value:g}" if isinstance(value, float) else "none" if value is None else str(value)


def _offers_of(snapshot: Snapshot) -> dict[str, Offer]:
    return {offer.name: offer for offer in snapshot.table.cheapest_first}


def _settings_of(snapshot: Snapshot) -> dict[str, Any]:
    return {
        field: getattr(snapshot, field)
        for field in ("server", "storage", "defaults", "routing", "alerts", "records", "reload", "canary")
    }


def _ladder_of(snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    return {"*": snapshot.table.wildcard_models}


_PARTS = (
    _Part("providers", "provider", lambda s: s.table.providers, _provider),
    _Part("models", "model", lambda s: s.table.models, _model),
    _Part("offers", "offer", _offers_of, _offer),
    _Part("aliases", "alias", lambda s: s.table.aliases, _alias),
    _Part("fallbacks", "fallbacks of", lambda s: s.table.fallbacks, _fallback),
    _Part("ladder", "ladder", _ladder_of, _fallback),
    _Part("keys", "key", lambda s: s.keys, _key),
    _Part("settings", "setting", _settings_of, _settings),
)
