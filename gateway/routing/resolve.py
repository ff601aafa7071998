"""Turn a name a caller used into the offers it may mean.

Exact model, then alias, then `provider/model`, then `auto` and `*`. What the key may not use and what the files
switched off does not resolve: it looks to the caller like a name that nobody declared.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from msgspec import Struct
from msgspec.structs import replace

from gateway.domain.plan import NameKind, Refusal
from gateway.domain.table import Alias, Offer, Plain, Share, Split, Strategy, Tier
from gateway.routing.rotation import rotate
from gateway.routing.scene import Scene, permitted

AUTO = "auto"
WILDCARD = "*"


class Group(Struct, frozen=True):
    """Offers among which the strategy decides, and the reason an answer of theirs gives (None: the strategy's own)."""

    offers: Sequence[Offer]
    reason: str | None = None


class Turn(Struct, frozen=True):
    """A rotation by name, and how often it has been used."""

    rotation: str
    used: int


class Target(Struct, frozen=True, kw_only=True):
    """What a name means: groups of offers, in the order in which they are tried."""

    kind: NameKind
    groups: Iterable[Group]
    names: tuple[str, ...]
    """From the name asked for down to the model: whose fallbacks apply."""
    strategy: Strategy
    turn: Turn
    rotates: bool = False
    """A split took its turn; a strategy may take one, too."""
    drawn: bool = False
    """A split chose: another request may mean others."""
    alias_from: str | None = None
    chosen: bool = False
    """We choose among models (auto, tier, ladder), so we answer for the choice: an offer that will not do is out."""
    skipped: tuple[Refusal, ...] = ()

    @property
    def rotation(self) -> str | None:
        """The rotation that whoever serves the request has to note."""
        return self.turn.rotation if self.rotates or self.strategy == "round-robin" else None


def resolve(name: str, scene: Scene) -> Target | None:
    """None for a name this caller cannot use."""
    target = resolve_declared(name, scene)
    if target is not None:
        return target
    if name == AUTO:
        return _auto(scene)
    if name == WILDCARD:
        return _ladder(scene)
    return None


def resolve_declared(name: str, scene: Scene, path: tuple[str, ...] = (), turn: Turn | None = None) -> Target | None:
    """Only names of the files: what may stand in an alias, a ladder or a fallback chain."""
    table = scene.table
    model = table.models.get(name)
    if model is not None:
        offers = permitted(model.offers, scene) if model.enabled else ()
        return _plain("model", offers, name, scene, turn)
    alias = table.aliases.get(name)
    if alias is not None:
        return _alias(alias, scene, path, turn) if alias.enabled and name not in path else None
    offer = table.offers.get(name)
    if offer is not None:
        enabled = table.models[offer.model].enabled
        return _plain("offer", permitted((offer,), scene) if enabled else (), name, scene, turn)
    return None


def _plain(kind: NameKind, offers: tuple[Offer, ...], name: str, scene: Scene, turn: Turn | None) -> Target | None:
    if not offers:
        return None
    pinned = kind == "offer"
    return Target(
        kind=kind,
        groups=(Group(offers, "pinned" if pinned else None),),
        names=(name, offers[0].model) if pinned else (name,),
        strategy=scene.strategy,
        turn=turn or Turn(name, scene.moment.turns.get(name, 0)),
    )


def _alias(alias: Alias, scene: Scene, path: tuple[str, ...], turn: Turn | None) -> Target | None:
    path = (*path, alias.name)
    match alias.meaning:
        case Plain(target=name):
            target = resolve_declared(name, scene, path, turn)
        case Split() as split:
            target = _split(alias.name, split, scene, path, turn)
        case Tier() as tier:
            target = _tier(alias.name, tier, scene, path, turn)
    if target is None:
        return None
    kind: NameKind = "alias" if target.kind in {"model", "offer"} else target.kind
    return replace(target, kind=kind, alias_from=alias.name, names=(alias.name, *target.names))


def _split(name: str, split: Split, scene: Scene, path: tuple[str, ...], turn: Turn | None) -> Target | None:
    """One share gets the request; shares that nobody can use now give theirs to the others."""
    shares = [share for share in split.shares if share.weight > 0 and resolve_declared(share.model, scene, path)]
    if not shares:
        return None
    if split.sticky_by == "round-robin":
        turn = turn or Turn(name, scene.moment.turns.get(name, 0))
        index, before = rotate([share.weight for share in shares], turn.used)
        target = resolve_declared(shares[index].model, scene, path, Turn(turn.rotation, before))
    else:
        key = scene.ask.key
        who = key.name if split.sticky_by == "key" and key is not None else scene.ask.request_id
        target = resolve_declared(_share_of(name, who, shares).model, scene, path, turn)
    if target is None:
        return None
    groups = tuple(Group(group.offers, "split") for group in target.groups)
    rotates = target.rotates or split.sticky_by == "round-robin"
    return replace(target, kind="split", groups=groups, rotates=rotates, drawn=True)


def _share_of(name: str, who: str, shares: Sequence[Share]) -> Share:
    """Each caller has a fixed point on the line of weights, a different one for every alias."""
    digest = blake2b(f"{name}\0{who}".encode(), digest_size=8).digest()
    point = int.from_bytes(digest) / 2**64 * sum(share.weight for share in shares)
    for share in shares:
        point -= share.weight
        if point < 0:
            return share
    return shares[-1]


def _tier(name: str, tier: Tier, scene: Scene, path: tuple[str, ...], turn: Turn | None) -> Target | None:
    members = [member for model in tier.models if (member := resolve_declared(model, scene, path))]
    if not members:
        return None
    groups = [Group(group.offers, "tier") for member in members for group in member.groups]
    if not tier.ordered:
        merged = dict.fromkeys(offer.name for group in groups for offer in group.offers)
        groups = [Group([scene.table.offers[name] for name in merged], "tier")]
    return Target(
        kind="tier",
        groups=tuple(groups),
        names=(),
        strategy=scene.ask.strategy or tier.strategy or scene.strategy,
        turn=turn or Turn(name, scene.moment.turns.get(name, 0)),
        drawn=any(member.drawn for member in members),
        chosen=True,
    )


def _auto(scene: Scene) -> Target:
    """Everyone; who that is and in which order is found out no further than it is followed."""
    return Target(
        kind="auto",
        groups=(),
        names=(AUTO,),
        strategy=scene.strategy,
        turn=Turn(AUTO, scene.moment.turns.get(AUTO, 0)),
        chosen=True,
    )


def _ladder(scene: Scene) -> Target:
    ladder = scene.moment.ladder
    rungs = scene.table.wildcard_models if ladder is None else ladder.models
    groups: list[Group] = []
    skipped: list[Refusal] = []
    for rank, rung in enumerate(rungs):
        target = resolve_declared(rung, scene)
        if target is None and scene.allowed is None:
            skipped.append(Refusal(name=rung, rule="unknown", why=f"rung {rank} is not a model that can be used now"))
        elif target is not None:
            offers = [offer for group in target.groups for offer in group.offers]
            groups.append(Group(offers, f"wildcard-rank-{rank}"))
    return Target(
        kind="wildcard",
        groups=tuple(groups),
        names=(),
        strategy=scene.strategy,
        turn=Turn(WILDCARD, scene.moment.turns.get(WILDCARD, 0)),
        alias_from=WILDCARD,
        chosen=True,
        skipped=tuple(skipped),
    )
