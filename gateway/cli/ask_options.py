"""Options that say what is asked, by whom, in which world; shared by every verb that supposes a request."""

import functools
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, get_args

import click
from msgspec import Struct

from gateway.config.problem import nearest
from gateway.config.shape.offering import Capability
from gateway.config.shape.proving import TrialAsk, TrialMoment
from gateway.domain.ask import Endpoint
from gateway.domain.snapshot import Snapshot
from gateway.domain.table import Strategy, Table
from gateway.flow.what_if import LATENCY, share_of


class Supposed(Struct, frozen=True, kw_only=True):
    """What the options say."""

    ask: TrialAsk
    moment: TrialMoment
    endpoint: str | None
    """As it was written: an endpoint of the API, not only one that tests know."""

    def check(self, snapshot: Snapshot) -> None:
        """Names that must be declared, whatever is asked."""
        if self.ask.key is not None:
            _known("--key", self.ask.key, snapshot.keys, "a key")
        table, moment = snapshot.table, self.moment
        names = (*table.providers, *table.models, *table.aliases, *table.offers)
        for option in ("down", "rate_limited", "latency", "error_rate"):
            for name in getattr(moment, option):
                _known(f"--{option.replace('_', '-')}", name, names, "a provider, model, alias or offer")

    def hints(self, table: Table) -> tuple[str, ...]:
        """For names of models that a request may well ask for in vain."""
        names = (*table.models, *table.aliases, *table.offers)
        asked = (self.ask.model, self.ask.hint, *(self.ask.fallback or ()))
        return tuple(hint for name in asked if name and name not in names and (hint := nearest(name, names)))

    def refuse_moment(self) -> None:
        """A running gateway knows its world itself."""
        if self.moment != TrialMoment():
            raise click.UsageError("--down, --rate-limited, --latency, --error-rate and --time are for files only")
        if self.ask.key is not None:
            raise click.UsageError("--key is for files only; a running gateway takes the key in $TOKENHUB_KEY")


def _known(option: str, name: str, known: Iterable[str], what: str) -> None:
    names = tuple(known)
    if name not in names:
        hint = nearest(name, names)
        raise click.UsageError(
            f"{option}: `{name}` is not {what} of this configuration" + (f"; {hint}" if hint else "")
        )


ENDPOINTS: Mapping[str, Endpoint] = MappingProxyType(
    {
        "chat.completions": "chat",
        "chat": "chat",
        "messages": "chat",
        "messages.count_tokens": "chat",
        "responses": "chat",
        "completions": "completions",
        "embeddings": "embeddings",
    }
)
"""Every endpoint of the API, and what is asked of a model there."""


def ask_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command gets all of them as one `supposed`."""

    @functools.wraps(command)
    def with_supposed(**given: Any) -> None:
        command(supposed=_supposed(given), **{name: value for name, value in given.items() if name not in _OURS})

    for option in reversed(_OPTIONS):
        with_supposed = option(with_supposed)
    return with_supposed


_OPTIONS: tuple[Callable[[Callable[..., None]], Callable[..., None]], ...] = (
    click.option("--model", metavar="NAME", help="The model as a caller would write it."),
    click.option("--mode", metavar="MODE", help="Ask `/v1/chat` in this mode."),
    click.option("--hint", metavar="NAME", help="The model hint of `/v1/chat`."),
    click.option("--strategy", type=click.Choice(get_args(Strategy)), help="The strategy header."),
    click.option("--fallback", metavar="NAME[,NAME…]", help="The fallback header."),
    click.option(
        "--endpoint",
        metavar="ENDPOINT",
        help=f"{', '.join(ENDPOINTS)}; left out: chat.completions.",
    ),
    click.option("--tokens", "input_tokens", type=click.IntRange(1), help="Length of the prompt."),
    click.option("--output-tokens", type=click.IntRange(1), help="Most tokens of the answer."),
    click.option(
        "--feature", "features", multiple=True, type=click.Choice(get_args(Capability)), help="What is needed: tools, …"
    ),
    click.option("--budget", "max_budget_usd", type=click.FloatRange(0, 100), help="Budget in USD, of `/v1/chat`."),
    click.option("--deadline-ms", "max_latency_ms", type=click.IntRange(0, 300_000), help="Deadline of `/v1/chat`."),
    click.option("--min-weight", type=click.FloatRange(0, 10), help="Least capability, of `/v1/chat`."),
    click.option("--stream", is_flag=True, help="Ask for a stream."),
    click.option("--key", metavar="NAME", help="Asked with this key; without one nothing is forbidden."),
    click.option("--down", multiple=True, metavar="NAME", help="A provider, model or offer whose circuit is open."),
    click.option("--rate-limited", multiple=True, metavar="NAME", help="One that asked us to stay away."),
    click.option("--latency", multiple=True, metavar="NAME=2s", help="A known median time to first byte."),
    click.option("--error-rate", multiple=True, metavar="NAME=20%", help="A known error rate."),
    click.option("--time", metavar="2027-06-30T12:00:00Z", help="What time it is, or which day (UTC)."),
)
_ASK = ("model", "mode", "hint", "strategy", "input_tokens", "output_tokens", "features", "max_budget_usd")
_ASK_TOO = ("max_latency_ms", "min_weight", "stream", "key")
_MOMENT = ("down", "rate_limited", "latency", "error_rate", "time")
_OURS = frozenset({*_ASK, *_ASK_TOO, *_MOMENT, "endpoint", "fallback"})


def _supposed(given: dict[str, Any]) -> Supposed:
    ask = {name: given[name] for name in (*_ASK, *_ASK_TOO)}
    fallback = given["fallback"]
    if fallback is not None:
        ask["fallback"] = tuple(name for part in fallback.split(",") if (name := part.strip()))
    endpoint = _endpoint(given["endpoint"])
    return Supposed(
        ask=TrialAsk(**ask, endpoint=None if endpoint is None else ENDPOINTS[endpoint]),
        moment=TrialMoment(
            down=given["down"],
            rate_limited=given["rate_limited"],
            latency=dict(_pair("--latency", text, _latency) for text in given["latency"]),
            error_rate=dict(_pair("--error-rate", text, share_of) for text in given["error_rate"]),
            time=_instant(given["time"]),
        ),
        endpoint=endpoint,
    )


def _pair(option: str, text: str, read: Callable[[str], Any]) -> tuple[str, Any]:
    name, _, value = text.rpartition("=")
    known = read(value)
    if not name or known is None:
        raise click.UsageError(f"{option}: `{text}` is not NAME={'2s' if option == '--latency' else '20%'}")
    return name, known


def _endpoint(said: str | None) -> str | None:
    """A path will do, too."""
    if said is None or (name := said.removeprefix("/v1/").replace("/", ".")) in ENDPOINTS:
        return said and name
    hint = nearest(name, ENDPOINTS)
    end = f"; {hint}" if hint else f"; known are {', '.join(ENDPOINTS)}"
    raise click.UsageError(f"--endpoint: `{said}` is not an endpoint{end}")


def _instant(said: str | None) -> str | None:
    """With its time zone: without one it is UTC."""
    if said is None:
        return None
    try:
        time = datetime.fromisoformat(said)
    except ValueError as error:
        why = f": {error}" if "must be" in str(error) or "out of range" in str(error) else ""
        form = "write it as `2027-06-30T12:00:00Z` or `2027-06-30`"
        raise click.UsageError(f"--time: `{said}` is not a time{why}; {form}") from None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).isoformat()


def _latency(text: str) -> str | None:
    return text if LATENCY.fullmatch(text) else None
