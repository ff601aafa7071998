"""Prices as locked: every change is refused with both prices and its place; locking twice changes nothing."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from gateway.config.load import Loading
from gateway.config.price_lock import (
    Lock,
    Locked,
    LockError,
    digest_of,
    lock_text,
    locked_prices,
    make_lock,
    read_lock,
)
from gateway.config.price_terms import differences, terms, usd
from gateway.config.problem import Problem
from gateway.config.shape.offering import Price, PriceAbove
from tests.config.worlds import TODAY, a_world, completed, loaded

PRICED = "{provider: p, price: {input: 2.5, output: 10, cached_input: 1.25}}"
MODELS = (
    f"models:\n  m:\n    max_output_tokens: 9\n    offers:\n      - {PRICED}\n      - {{provider: q, unpriced: true}}\n"
)


def a_lock(folder: Path, fragment: str = MODELS) -> tuple[Path, Loading]:
    loading = loaded(folder, completed(fragment))
    path = folder / "prices.lock"
    path.write_text(lock_text(make_lock(loading, folder, TODAY, None)))
    return path, loading


def found(folder: Path, fragment: str) -> list[Problem]:
    return locked_prices(folder / "prices.lock")(loaded(folder, completed(fragment)), None)


def test_what_was_locked_is_accepted(tmp_path: Path) -> None:
    path, loading = a_lock(tmp_path)
    assert locked_prices(path)(loading, None) == []


def test_a_lock_tells_price_place_and_day_of_every_offer(tmp_path: Path) -> None:
    path, _ = a_lock(tmp_path)
    told = json.loads(path.read_text())
    assert told["offers"]["p/m"] == {
        "price": {"input": 2.5, "output": 10.0, "cached_input": 1.25},
        "source": "tokenhub.yaml:5",
        "since": "2026-11-21",
    }
    assert told["offers"]["q/m"] == {"price": None, "source": "tokenhub.yaml:6", "since": "2026-11-21"}
    assert told["digest"].startswith("sha256:")
    assert len(path.read_text().splitlines()) == 6 + len(told["offers"])


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("input: 2.5", "input: 3", "input 2.5 -> 3"),
        (", cached_input: 1.25", "", "cached_input 1.25 -> none"),
        ("output: 10", "output: 10, request: 0.01", "request none -> 0.01"),
        ("output: 10", "output: 12, reasoning: 9", "output 10 -> 12, reasoning none -> 9"),
    ],
)
def test_a_changed_price_is_refused_with_both_prices_at_its_place(
    before: str, after: str, said: str, tmp_path: Path
) -> None:
    a_lock(tmp_path)
    (problem,) = found(tmp_path, MODELS.replace(before, after))
    assert (problem.code, problem.severity, problem.line, problem.column) == ("TH2801", "error", 5, 23)
    assert problem.message == f"`p/m` does not cost what is locked since 2026-11-21: {said}"
    assert problem.file is not None
    assert problem.file.endswith("tokenhub.yaml")


def test_an_offer_that_gets_a_price_is_refused_too(tmp_path: Path) -> None:
    a_lock(tmp_path)
    (problem,) = found(tmp_path, MODELS.replace("unpriced: true", "price: {input: 1, output: 2}"))
    assert problem.code == "TH2801"
    assert "`q/m`" in problem.message
    assert "input none -> 1" in problem.message


def test_an_offer_that_is_not_locked_is_refused(tmp_path: Path) -> None:
    a_lock(tmp_path)
    more = "  new: {max_output_tokens: 9, offers: [{provider: p, price: {input: 1, output: 2}}]}\n"
    (problem,) = found(tmp_path, MODELS + more)
    assert (problem.code, problem.line) == ("TH2802", 7)
    assert problem.message == "`p/new` is not in the price lock; here it costs input 1, output 2"


def test_an_offer_that_is_gone_is_warned_of_at_its_line_of_the_lock(tmp_path: Path) -> None:
    a_lock(tmp_path)
    (problem,) = found(tmp_path, MODELS.replace("      - {provider: q, unpriced: true}\n", ""))
    assert (problem.code, problem.severity, problem.line) == ("TH2804", "warning", 6)
    assert problem.file == str(tmp_path / "prices.lock")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "there is no price lock"),
        ("", "is not a price lock"),
        ("[]", "is not a price lock"),
        ('{"version": 2, "digest": "", "offers": {}}', "is not a price lock"),
        ('{"version": 1, "digest": "sha256:00", "offers": {}}', "was edited"),
        ("\xff\xfe", "is not a price lock"),
    ],
)
def test_a_lock_that_is_missing_broken_or_edited_is_refused(text: str | None, said: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "prices.lock").write_bytes(text.encode("latin-1"))
    (problem,) = found(tmp_path, MODELS)
    assert problem.code == "TH2803"
    assert said in problem.message
    with pytest.raises(LockError):
        read_lock(tmp_path / "prices.lock")


def test_a_price_edited_in_the_lock_is_noticed(tmp_path: Path) -> None:
    path, loading = a_lock(tmp_path)
    path.write_text(path.read_text().replace('"input":2.5', '"input":2.6'))
    assert [problem.code for problem in locked_prices(path)(loading, None)] == ["TH2803"]


def test_locking_twice_changes_nothing_and_a_price_keeps_its_day(tmp_path: Path) -> None:
    path, loading = a_lock(tmp_path)
    later = make_lock(loading, tmp_path, date(2027, 2, 1), read_lock(path))
    assert lock_text(later) == path.read_text()
    changed = loaded(tmp_path, completed(MODELS.replace("input: 2.5", "input: 3")))
    moved = make_lock(changed, tmp_path, date(2027, 2, 1), read_lock(path))
    assert {name: locked.since for name, locked in moved.offers.items()} == {"p/m": "2027-02-01", "q/m": "2026-11-21"}


def test_an_included_file_is_named_as_the_config_names_it(tmp_path: Path) -> None:
    rest = "\n".join(line for line in completed("").splitlines() if not line.startswith("models"))
    text, world = f"include: [shared.yaml, catalog/groq.yaml]\n{rest}\n", a_world(secrets="skip")
    loading = loaded(tmp_path, text, world, **{"shared.yaml": MODELS})
    made = make_lock(loading, tmp_path, TODAY, None)
    assert made.offers["p/m"].source == "shared.yaml:5"
    assert made.offers["groq/groq-gpt-oss-20b"].source.startswith("catalog/groq.yaml:")


USD = some.floats(0, 1000, allow_nan=False)
MAYBE = some.none() | USD
PRICES = some.builds(
    Price,
    input=USD,
    output=USD,
    cached_input=MAYBE,
    cache_write=MAYBE,
    reasoning=MAYBE,
    audio_input=MAYBE,
    image=MAYBE,
    request=USD,
    above=some.none() | some.builds(PriceAbove, tokens=some.integers(1, 10**6), input=USD, output=USD),
)


@settings(deadline=None, max_examples=80)
@given(prices=some.dictionaries(some.text(min_size=1, max_size=20), some.none() | PRICES, max_size=5))
def test_what_is_written_is_read_again(
    prices: dict[str, Price | None], tmp_path_factory: pytest.TempPathFactory
) -> None:
    offers = {name: Locked(price=price, source="x:1", since="2026-11-21") for name, price in prices.items()}
    lock = Lock(digest=digest_of(prices), offers=offers)
    path = tmp_path_factory.mktemp("lock") / "prices.lock"
    path.write_text(lock_text(lock), encoding="utf-8")
    assert read_lock(path) == lock


@settings(deadline=None, max_examples=80)
@given(one=some.none() | PRICES, other=some.none() | PRICES)
def test_prices_differ_where_a_term_does(one: Price | None, other: Price | None) -> None:
    assert list(differences(one, one)) == []
    assert bool(list(differences(one, other))) == (terms(one) != terms(other))
    if one is not None and other is not None:
        assert (terms(one) == terms(other)) == (one == other)


@pytest.mark.parametrize(
    ("value", "said"), [(None, "none"), (0.0, "0"), (2.5, "2.5"), (0.00001, "0.00001"), (1e6, "1000000"), (200, "200")]
)
def test_money_is_written_out(value: float | None, said: str) -> None:
    assert usd(value) == said
