"""The price lock: what every offer cost when somebody last looked, kept beside the configuration."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from gateway.config.findings import Findings
from gateway.config.gather import SHIPPED
from gateway.config.loading import Loading
from gateway.config.price_terms import differences, terms, usd
from gateway.config.problem import Problem
from gateway.config.shape.offering import Offer, Price
from gateway.config.tree import Node, Source, Spot, find
from gateway.config.tree import Path as TreePath

NAME = "prices.lock"
MAIN = "tokenhub.yaml"
RELOCK = "if that is right, run `tokenhub catalog lock` and let somebody read the difference"


class Locked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One offer."""

    price: Price | None
    """None where the file says `unpriced: true`."""
    source: str
    """Where the price was written: file and line."""
    since: str
    """The day on which this price was locked first."""


class Lock(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All offers, by `provider/model`."""

    version: Literal[1] = 1
    digest: str
    """Of all prices: a lock that was edited or merged by hand is noticed."""
    offers: dict[str, Locked]


class LockError(Exception):
    """What is there is no lock."""


def lock_path(config: Path) -> Path:
    """Beside the configuration; several in one folder each have their own."""
    return config.with_name(NAME if config.name == MAIN else f"{config.stem}.{NAME}")


def make_lock(loading: Loading, folder: Path, today: date, before: Lock | None) -> Lock:
    """Today's prices. A price that did not change keeps its day, so that locking twice changes nothing."""
    offers: dict[str, Locked] = {}
    for name, path, offer in sorted(_offers(loading), key=lambda found: found[0]):
        known = before.offers.get(name) if before else None
        same = known is not None and known.price == offer.price
        since = known.since if known is not None and same else today.isoformat()
        offers[name] = Locked(price=offer.price, source=_source(_node(loading, path), folder), since=since)
    return Lock(digest=digest_of({name: locked.price for name, locked in offers.items()}), offers=offers)


def lock_text(lock: Lock) -> str:
    """A line for each offer: differences read well, and merges meet where the same offer changed."""
    lines = [
        f"    {msgspec.json.encode(name).decode()}: {msgspec.json.encode(locked).decode()}"
        for name, locked in lock.offers.items()
    ]
    body = ",\n".join(lines)
    return f'{{\n  "version": {lock.version},\n  "digest": "{lock.digest}",\n  "offers": {{\n{body}\n  }}\n}}\n'


def read_lock(path: Path) -> Lock:
    """Raises `LockError` for a file that is missing, broken or edited."""
    try:
        lock = _DECODER.decode(path.read_bytes())
    except OSError:
        raise LockError(f"`{path}` cannot be read: there is no price lock") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise LockError(f"`{path}` is not a price lock: {error}") from None
    if lock.digest != digest_of({name: locked.price for name, locked in lock.offers.items()}):
        raise LockError(f"`{path}` was edited: its prices do not match its digest")
    return lock


_DECODER = msgspec.json.Decoder(Lock)


def digest_of(prices: Mapping[str, Price | None]) -> str:
    """Of what is said, not of how."""
    said = {name: None if price is None else terms(price) for name, price in prices.items()}
    return "sha256:" + hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()


def locked_prices(path: Path) -> Callable[[Loading, object], list[Problem]]:
    """The check behind `--locked`: every offer has a price in this lock, and it is the same."""

    def check(loading: Loading, _: object) -> list[Problem]:
        findings = Findings()
        findings.root = loading.tree
        try:
            lock = read_lock(path)
        except LockError as error:
            findings.add("TH2803", Spot(Source(str(path), ""), 1, 1, 1), str(error), "run `tokenhub catalog lock`")
            return findings.problems
        _compare(loading, lock, findings)
        _look_for_leftovers(loading, lock, path, findings)
        return findings.problems

    return check


def _compare(loading: Loading, lock: Lock, findings: Findings) -> None:
    for name, path, offer in _offers(loading):
        locked = lock.offers.get(name)
        if locked is None:
            said = ", ".join(f"{term} {usd(value)}" for term, value in terms(offer.price).items()) or "unpriced"
            findings.at("TH2802", path, f"`{name}` is not in the price lock; here it costs {said}", RELOCK)
        elif locked.price != offer.price:
            changed = ", ".join(map(str, differences(locked.price, offer.price)))
            message = f"`{name}` does not cost what is locked since {locked.since}: {changed}"
            findings.at("TH2801", path, message, RELOCK)


def _look_for_leftovers(loading: Loading, lock: Lock, path: Path, findings: Findings) -> None:
    here = {name for name, _, _ in _offers(loading)}
    source = Source(str(path), path.read_text(encoding="utf-8"))
    lines = {text.strip().partition('": {')[0]: number for number, text in enumerate(source.lines(), 1)}
    for name in lock.offers.keys() - here:
        quoted = msgspec.json.encode(name).decode()
        spot = Spot(source, lines.get(quoted[:-1], 1), 5, len(quoted))
        findings.add("TH2804", spot, f"`{name}` is locked, and there is no such offer", "run `tokenhub catalog lock`")


def _offers(loading: Loading) -> Iterator[tuple[str, TreePath, Offer]]:
    """Name, the path of the price, and the offer."""
    for model, said in loading.declaration.models.items() if loading.declaration else ():
        for index, offer in enumerate(said.offers):
            path = ("models", model, "offers", index, "price" if offer.price is not None else "unpriced")
            yield f"{offer.provider}/{model}", path, offer


def _node(loading: Loading, path: TreePath) -> Node | None:
    return find(loading.tree, path) if loading.tree is not None else None


def _source(node: Node | None, folder: Path) -> str:
    """Relative where it can be: the lock says the same on every machine."""
    if node is None:
        return ""
    file, line = Path(node.source.name), (node.key or node.spot).line
    for root in (folder, SHIPPED):
        if file.is_relative_to(root):
            return f"{file.relative_to(root).as_posix()}:{line}"
    return f"{file.as_posix()}:{line}"
