"""Keys that open nothing, the wrong thing, or the same thing twice."""

import hashlib
from collections.abc import Callable
from datetime import date

from gateway.config.check_meaning.facts import Facts
from gateway.config.check_meaning.process import host_and_port
from gateway.config.check_meaning.urls import address_of
from gateway.config.permits import matches
from gateway.config.shape.access import Key
from gateway.config.tree import Path

QUICKSTART = "sha256:" + hashlib.sha256(b"th-quickstart").hexdigest()
NOTHING = "sha256:" + hashlib.sha256(b"").hexdigest()


def duplicate_names(facts: Facts) -> None:
    first: dict[str, int] = {}
    for index, key in enumerate(facts.said.keys):
        other = first.setdefault(key.name, index)
        if other != index:
            message = f"`{key.name}` is already a key, in {facts.place(('keys', other, 'name'))}"
            hint = "for a rotation, give one key a list of digests"
            facts.complain("TH2401", ("keys", index, "name"), message, hint)


def duplicate_digests(facts: Facts) -> None:
    first: dict[str, tuple[Path, str]] = {}
    for index, key in enumerate(facts.said.keys):
        for path, digest in _digests(key, index):
            other, owner = first.setdefault(digest, (path, key.name))
            if other != path and not facts.findings.is_faulty(other):
                message = f"this digest already opens `{owner}`, in {facts.place(other)}"
                facts.complain("TH2402", path, message, "make another with `tokenhub keys new NAME`")
            if digest == NOTHING:
                facts.complain("TH2408", path, "this is the digest of the empty string, which anybody can send")


def _digests(key: Key, index: int) -> list[tuple[Path, str]]:
    if isinstance(key.digest, str):
        return [(("keys", index, "digest"), key.digest)]
    return [(("keys", index, "digest", number), digest) for number, digest in enumerate(key.digest)]


def useless_keys(facts: Facts) -> None:
    for index, key in enumerate(facts.said.keys):
        day = _day(key.expires)
        if day is not None and day <= facts.today and key.enabled:
            message = f"`{key.name}` expired on {key.expires}"
            facts.complain("TH2403", ("keys", index, "expires"), message, "remove the key, or give it a later day")
        for field in key.limits.__struct_fields__:
            if getattr(key.limits, field) == 0:
                message = f"`{field}: 0` refuses every request of `{key.name}`"
                facts.complain("TH2407", ("keys", index, "limits", field), message, "say `enabled: false` instead")
    if not any(key.enabled for key in facts.said.keys) and not facts.findings.is_faulty(("keys",)):
        hint = "make one with `tokenhub keys new NAME`"
        facts.complain("TH2404", ("keys",), "there is no enabled key: nobody can call", hint, key=True)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def permissions(facts: Facts) -> None:
    for index, key in enumerate(facts.said.keys):
        good = True
        for number, pattern in enumerate(key.models):
            if not facts.offers_matching(pattern):
                good = False
                message = f"`{pattern}` matches no model, alias or `provider/model`"
                hint = facts.nearest_target(pattern.rstrip("*"))
                facts.complain("TH2010", ("keys", index, "models", number), message, hint)
        for number, pattern in enumerate(key.providers):
            if not any(matches(pattern, name) for name in facts.said.providers):
                good = False
                hint = facts.nearest(pattern, facts.said.providers)
                facts.complain("TH2011", ("keys", index, "providers", number), f"`{pattern}` matches no provider", hint)
        if good and key.models and key.providers and not _is_anything_left(facts, key):
            message = f"`{key.name}` may use nothing: none of its models is at one of its providers"
            facts.complain("TH2406", ("keys", index, "providers"), message, key=True)


def _is_anything_left(facts: Facts, key: Key) -> bool:
    places = {offer.partition("/")[0] for pattern in key.models for offer in facts.offers_matching(pattern)}
    return any(matches(pattern, place) for pattern in key.providers for place in places)


def public_quickstart(facts: Facts) -> None:
    listen = facts.text(facts.said.server.listen)
    where = host_and_port(listen) if listen else None
    if where is None or _is_this_machine(where[0].strip("[]")):
        return
    for index, key in enumerate(facts.said.keys):
        for path, digest in _digests(key, index):
            if digest == QUICKSTART and key.enabled:
                message = "the key of the quickstart is public, and this gateway listens to more than this machine"
                facts.complain("TH2405", path, message, "make your own with `tokenhub keys new NAME`")


def _is_this_machine(host: str) -> bool:
    address = address_of(host)
    return host == "localhost" or (address is not None and address.is_loopback)


RULES: tuple[Callable[[Facts], None], ...] = (
    duplicate_names,
    duplicate_digests,
    useless_keys,
    permissions,
    public_quickstart,
)
