"""Settings of the process that contradict each other or mean nothing."""

import ipaddress
import re
from collections.abc import Callable, Iterator
from pathlib import Path as FilePath

from gateway.config.check_meaning.facts import Facts
from gateway.config.check_meaning.urls import fault_of_url
from gateway.config.shape.words import seconds
from gateway.config.tree import Path

_STATES = ("memory://", "redis://", "rediss://", "unix://", "valkey://", "valkeys://")
_LEDGERS = ("sqlite://", "postgresql://", "postgres://")


def shared_state(facts: Facts) -> None:
    said, state = facts.said.server, facts.text(facts.said.state)
    if state is not None and not state.startswith(_STATES):
        hint = "`memory://`, or `redis://host:6379/0`"
        facts.complain("TH2503", ("state",), "expected where counters are kept", hint)
    elif state is not None and state.startswith("memory://"):
        for field, number in (("workers", said.workers), ("replicas", said.replicas)):
            if number > 1:
                message = f"{number} {field} cannot share limits and caps kept in memory"
                hint = "say `state: redis://host:6379/0`, or go back to 1"
                facts.complain("TH2501", ("server", field), message, hint)


def ledger(facts: Facts) -> None:
    text = facts.text(facts.said.ledger)
    if text is not None and (not text.startswith(_LEDGERS) or text in _LEDGERS):
        hint = "`sqlite://ledger.db`, `sqlite:///absolute/path.db` or `postgresql://host/database`"
        facts.complain("TH2504", ("ledger",), "expected where records are kept", hint)
    elif text is not None and text.startswith("sqlite:") and facts.said.server.replicas > 1:
        message = f"{facts.said.server.replicas} replicas cannot share a ledger in SQLite: each will have its own"
        facts.complain("TH2508", ("server", "replicas"), message, "say `ledger: postgresql://…`")


def addresses(facts: Facts) -> None:
    said = facts.said.server
    for field, written in (("listen", said.listen), ("admin_listen", said.admin_listen)):
        text = facts.text(written) if written else None
        if text is not None and host_and_port(text) is None:
            hint = f"write `127.0.0.1{text}`" if re.fullmatch(r":[0-9]+", text) else _address_hint(text)
            facts.complain("TH2502", ("server", field), "expected an address and a port", hint)
    if said.admin_listen and said.listen == said.admin_listen and not said.listen.endswith(":0"):
        message = "the same address as `listen`"
        facts.complain("TH2505", ("server", "admin_listen"), message, "give it another port, or remove it")


def _address_hint(text: str) -> str:
    return f"write `127.0.0.1:{text}`" if text.isdecimal() else "for example `0.0.0.0:8080` or `[::1]:8080`"


def host_and_port(text: str) -> tuple[str, int] | None:
    """Taken apart, or None."""
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})", text)
    if match is None or int(match[2]) > 65535:
        return None
    host = match[1]
    if host.startswith("["):
        try:
            ipaddress.IPv6Address(host.strip("[]"))
        except ValueError:
            return None
    return host, int(match[2])


def networks(facts: Facts) -> None:
    for index, text in enumerate(facts.said.server.trusted_proxies):
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError:
            path: Path = ("server", "trusted_proxies", index)
            facts.complain("TH2506", path, f"`{text}` is not a network", "for example `10.0.0.0/8`")


def webhook(facts: Facts) -> None:
    hook = facts.said.alerts.webhook
    url = facts.text(hook.url) if hook else None
    fault = fault_of_url(url.partition("?")[0], allow_private=True) if url else None
    if fault is not None:
        facts.complain(fault.code, ("alerts", "webhook", "url"), fault.message, fault.hint)


def candidate(facts: Facts) -> None:
    canary = facts.said.canary
    if canary is None or facts.findings.is_faulty(("canary", "config")):
        return
    spot = facts.findings.spot(("canary", "config"))
    folder = FilePath(spot.source.name).parent if spot else FilePath()
    if not (folder / canary.config).exists():
        message = f"`{canary.config}` does not exist beside this file"
        facts.complain("TH1201", ("canary", "config"), message)


def durations_of_nothing(facts: Facts) -> None:
    for path, text in _durations(facts):
        if text and not facts.findings.is_faulty(path) and seconds(text) <= 0:
            facts.complain("TH1405", path, f"expected a duration longer than 0, found {text}")


def _durations(facts: Facts) -> Iterator[tuple[Path, str]]:
    said = facts.said
    yield ("server", "body_timeout"), said.server.body_timeout
    yield ("reload", "poll"), said.reload.poll
    yield ("records", "keep"), said.records.keep
    yield ("records", "bodies_keep"), said.records.bodies_keep
    yield ("routing", "thompson", "half_life"), said.routing.thompson.half_life
    yield ("routing", "health", "window"), said.routing.health.window
    yield ("routing", "health", "open_for"), said.routing.health.open_for
    if said.routing.health.probe:
        yield ("routing", "health", "probe", "every"), said.routing.health.probe.every
    if said.canary:
        yield ("canary", "window"), said.canary.window
    for name, provider in said.providers.items():
        for field in provider.timeouts.__struct_fields__:
            yield ("providers", name, "timeouts", field), getattr(provider.timeouts, field)


RULES: tuple[Callable[[Facts], None], ...] = (
    shared_state,
    ledger,
    addresses,
    networks,
    webhook,
    candidate,
    durations_of_nothing,
)
