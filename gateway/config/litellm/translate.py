"""From LiteLLM's `config.yaml` to a configuration of ours: the story.

read -> [ model_list -> names -> chains -> settings ] -> what nobody asked for -> written as YAML
"""

from typing import Any

import msgspec
from msgspec import Struct

from gateway.config.compose import compose
from gateway.config.findings import Findings
from gateway.config.litellm.chains import Chains, aliases_of
from gateway.config.litellm.merge_keys import MergeKeys
from gateway.config.litellm.models import models_of
from gateway.config.litellm.places import Places
from gateway.config.litellm.settings import (
    defaults_of,
    keys_of,
    ledger_of,
    patience_of,
    records_of,
    routing_of,
    server_of,
    state_of,
)
from gateway.config.litellm.sheet import Loss, Report, Sheet
from gateway.config.litellm.whys import GENERAL, LITELLM, NOTHING_LIKE_IT, ROUTER, TOP
from gateway.config.problem import Problem
from gateway.config.render import as_plain_yaml
from gateway.config.tree import Source

SECTIONS = ("router_settings", "litellm_settings", "general_settings")
WORD_OF_SECTION = {"router_settings": ROUTER, "litellm_settings": LITELLM, "general_settings": GENERAL}


class Translation(Struct, frozen=True):
    """What it comes to, and what does not come along, in the order of the file."""

    text: str
    """YAML; empty if the file cannot be read."""
    losses: tuple[Loss, ...]
    problems: tuple[Problem, ...]
    """Why it cannot be read."""


def translate(name: str, text: str) -> Translation:
    """Never raises for what a file says."""
    findings = Findings()
    tree = compose(Source(name, text), findings, MergeKeys)
    if tree is None or not isinstance(tree.value, dict) or findings.failed:
        return Translation("", (), tuple(findings.problems))
    report = Report()
    said = _declared(Sheet(tree, (), report), report)
    return Translation(_yaml(said), report.losses, ())


def _declared(root: Sheet, report: Report) -> dict[str, Any]:
    router, litellm, general = (root.sheet(name) for name in SECTIONS)
    credentials = _credentials(root)
    places = Places(patience_of(router, litellm), _beginnings(root))
    models = models_of(root, places, credentials)
    names = dict(models.names)
    aliases = aliases_of(router, "model_group_alias", names) | aliases_of(litellm, "model_alias_map", names)
    names |= {alias: alias for alias in aliases}
    chains = Chains(names, models.models, report)
    _fill(chains, router, litellm)
    said: dict[str, Any] = {"version": 1}
    said |= _some("include", models.includes)
    said |= _some("server", server_of(general))
    said |= _some("state", state_of(router))
    said |= _some("ledger", ledger_of(general))
    said |= _some("defaults", defaults_of(router, litellm, general, names))
    said |= _some("providers", places.providers)
    said |= _some("models", models.models)
    said |= _some("aliases", aliases)
    said |= _some("fallbacks", {name: chain for name, chain in chains.fallbacks.items() if chain})
    said |= _some("routing", routing_of(router, litellm, general))
    said |= _some("records", records_of(general))
    said |= _some("keys", keys_of(general))
    router.flag("enable_pre_call_checks")
    for sheet, section in zip((router, litellm, general), SECTIONS, strict=True):
        sheet.rest(WORD_OF_SECTION[section], NOTHING_LIKE_IT)
    for name in root.entries:
        if name.startswith(("x-", ".")):
            root.take(name)  # holds anchors; what merges them has been translated
    root.rest(TOP, NOTHING_LIKE_IT)
    for unused in credentials.values():
        unused.rest({}, "no model uses this credential")
    return said


def _beginnings(root: Sheet) -> frozenset[str]:
    """What stands before a slash in any name there: no provider may be called so."""
    names = [entry.text("model_name") or "" for entry in root.sheets("model_list")]
    for section, field in (("router_settings", "model_group_alias"), ("litellm_settings", "model_alias_map")):
        names += root.sheet(section).sheet(field).entries
    return frozenset(name.partition("/")[0] for name in names if "/" in name and "*" not in name)


def _credentials(root: Sheet) -> dict[str, Sheet]:
    found: dict[str, Sheet] = {}
    for sheet in root.sheets("credential_list"):
        found[sheet.text("credential_name") or ""] = sheet.sheet("credential_values")
        sheet.rest({"credential_info": "comments can say it"}, NOTHING_LIKE_IT)
    return found


def _fill(chains: Chains, router: Sheet, litellm: Sheet) -> None:
    larger = "steps in after every kind of failure; where the input is too long, only if its window is larger"
    for sheet in (router, litellm):
        chains.add(sheet, "fallbacks")
    for sheet in (router, litellm):
        chains.add(sheet, "context_window_fallbacks", larger)
    for sheet in (router, litellm):
        chains.add_to_all(sheet, "default_fallbacks")


def _some(name: str, value: Any) -> dict[str, Any]:
    return {name: value} if value else {}


def _yaml(said: dict[str, Any]) -> str:
    """Through our own printer, which writes what our own reader reads, and follows includes no more."""
    tree = compose(Source("", msgspec.json.encode(said).decode()), Findings())
    head, _, rest = ("" if tree is None else as_plain_yaml(tree)).partition("\n")
    includes = said.get("include")
    return "\n".join([head, *([f"include: [{', '.join(includes)}]"] if includes else []), rest])
