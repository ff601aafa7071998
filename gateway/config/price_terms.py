"""What a price consists of, term by term, and what differs between two."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from gateway.config.shape.offering import Price

Terms = Mapping[str, float]
"""`input`, `output`, … and `above.tokens`, `above.input`, …: only those that are said."""


class Difference(Struct, frozen=True):
    """One term; None where it was not, or is no more."""

    term: str
    old: float | None
    new: float | None

    def __str__(self) -> str:
        return f"{self.term} {usd(self.old)} -> {usd(self.new)}"


def terms(price: Price | None) -> Terms:
    """Nothing where there is no price."""
    if price is None:
        return {}
    found: dict[str, float] = {"input": price.input, "output": price.output}
    for name in ("cached_input", "cache_write", "reasoning", "audio_input", "audio_output", "image"):
        value = getattr(price, name)
        if value is not None:
            found[name] = value
    if price.request:
        found["request"] = price.request
    if price.above is not None:
        above = price.above
        said = {name: getattr(above, name) for name in above.__struct_fields__}
        found |= {f"above.{name}": value for name, value in said.items() if value is not None}
    return found


def differences(old: Price | None, new: Price | None) -> Iterator[Difference]:
    """In the order in which prices are written."""
    before, after = terms(old), terms(new)
    for term in {**before, **after}:
        if before.get(term) != after.get(term):
            yield Difference(term, before.get(term), after.get(term))


def usd(value: float | None) -> str:
    """`0.25`; never in powers of ten."""
    if value is None:
        return "none"
    return f"{value:.10f}".rstrip("0").rstrip(".")
