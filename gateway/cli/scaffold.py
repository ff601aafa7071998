"""What `tokenhub init` writes: a repository that holds a routing policy, proves it, and tells what changes do."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

import click
import msgspec
from msgspec import Struct

from gateway import __version__
from gateway.config.gather import SHIPPED
from gateway.config.load import World, load
from gateway.config.references import references
from gateway.config.shape import Declaration
from gateway.config.shape.offering import Model
from gateway.templates import page

FILES: Mapping[str, str] = MappingProxyType(
    {
        "configs/tests.yaml": "tests.yaml",
        "ci.sh": "ci.sh",
        "Makefile": "Makefile",
        "README.md": "README.md",
        ".gitignore": "gitignore",
        ".github/workflows/routing.yml": "workflow.yml",
        ".vscode/settings.json": "vscode-settings.json",
        ".vscode/extensions.json": "vscode-extensions.json",
        ".pre-commit-config.yaml": "pre-commit.yaml",
    }
)
CONFIG = "configs/tokenhub.yaml"
FAST_WEIGHT = 4
"""What a cheap model must be able to do at least."""


class Policy(Struct, frozen=True, kw_only=True):
    """The names that the first configuration is about, best first."""

    vendors: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    smart: tuple[str, ...]
    fast: tuple[str, ...]
    providers: Mapping[str, str]
    """Of each of these models, the one that is asked first."""
    second: "Place | None"
    """Where `smart` goes when its first provider is down."""

    @property
    def ladder(self) -> tuple[str, ...]:
        """None where one outage would empty it."""
        if self.second is None:
            return ()
        return tuple(dict.fromkeys((*self.smart, *self.fast)))


class Place(Struct, frozen=True):
    model: str
    provider: str


DEMO = Policy(
    smart=("echo-large", "echo-small"),
    fast=("echo-small",),
    providers=MappingProxyType({"echo-large": "demo", "echo-small": "demo"}),
    second=Place("echo-small", "spare"),
)


def scaffold(policy: Policy, digest: str) -> dict[str, str]:
    """Every file by its path."""
    values = {name: getattr(policy, name) for name in ("vendors", "variables", "smart", "fast", "providers", "second")}
    values |= {"ladder": policy.ladder, "digest": digest, "version": __version__}
    pages = {CONFIG: "vendors.yaml" if policy.vendors else "echo.yaml", **FILES}
    return {path: page(f"init/{name}.j2", **values) for path, name in pages.items()}


def known_vendors() -> list[str]:
    """Those whose catalogue ships and offers something to chat with."""
    return sorted(path.stem for path in (SHIPPED / "catalog").glob("*.yaml") if path.stem != "tiers")


def policy_of(vendors: Iterable[str]) -> Policy:
    """The strongest and the cheapest useful model of each vendor, as the catalogue has them."""
    chosen = tuple(dict.fromkeys(vendors))
    if not chosen:
        return DEMO
    declared = {vendor: _catalogue(vendor) for vendor in chosen}
    smart = {vendor: strongest(declared[vendor].models, vendor) for vendor in chosen}
    fast = {vendor: cheapest(declared[vendor].models) or smart[vendor] for vendor in chosen}
    providers = {
        name: declared[vendor].models[name].offers[0].provider
        for vendor in chosen
        for name in (smart[vendor], fast[vendor])
    }
    names = tuple(smart.values())
    return Policy(
        vendors=chosen,
        variables=tuple(sorted({name for one in declared.values() for name in _variables(one)})),
        smart=names,
        fast=tuple(fast.values()),
        providers=providers,
        second=Place(names[1], providers[names[1]]) if len(names) > 1 else None,
    )


def strongest(models: Mapping[str, Model], vendor: str) -> str:
    useful = [name for name, model in models.items() if {"chat", "tools"} <= set(model.capabilities)]
    if not useful:
        raise click.BadParameter(f"{vendor} has no model to chat with", param_hint="--with")
    return min(useful, key=lambda name: (-models[name].weight, _price(models[name]), name))


def cheapest(models: Mapping[str, Model]) -> str | None:
    useful = [
        name
        for name, model in models.items()
        if {"chat", "tools"} <= set(model.capabilities) and model.weight >= FAST_WEIGHT
    ]
    return min(useful, key=lambda name: (_price(models[name]), name)) if useful else None


def _price(model: Model) -> float:
    price = model.offers[0].price
    return float("inf") if price is None else price.input + price.output


def _catalogue(vendor: str) -> Declaration:
    path = SHIPPED / "catalog" / f"{vendor}.yaml"
    loading = load(path, World(env={}, today=datetime.now(UTC).date(), secrets="skip"))
    if loading.declaration is None:
        raise click.ClickException(f"{path} is not valid: {loading.problems[0].message}")
    return loading.declaration


def _variables(declaration: Declaration) -> set[str]:
    """Of the environment: everything that the providers refer to."""
    said = msgspec.json.encode(declaration.providers).decode()
    return {reference.name for reference in references(said) if reference.source == "env"}
