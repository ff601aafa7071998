"""Metrics: what a scrape says, in Prometheus' own words, and that labels stay few."""

from bisect import bisect_left

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from gateway.domain.answer import Usage
from gateway.domain.trail import Attempt, Failure
from gateway.state.metrics import LATENCY_S, Metrics
from gateway.state.tally import FRESH, Row, Spread, Tally


def scraped(metrics: Metrics, *others: bytes) -> dict[tuple[str, ...], float]:
    text = metrics.exposition(others).decode()
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def some_metrics() -> Metrics:
    metrics = Metrics("1.0")
    metrics.watch(lambda: {"in_flight": 3.0}, lambda: ["store"])
    metrics.answered("chat", 200, "openai", "gpt-4o", 0.3)
    metrics.answered("chat", 404)
    metrics.attempted(
        Attempt(offer="openai/gpt-4o", provider="openai", model="gpt-4o", started=0.0, ms=9.0, first_byte_ms=7.0)
    )
    metrics.attempted(
        Attempt(
            offer="openai/gpt-4o",
            provider="openai",
            model="gpt-4o",
            started=0.0,
            ms=9.0,
            failure=Failure(kind="transient", code="upstream_error", message="It failed."),
        )
    )
    metrics.used("openai", "gpt-4o", Usage(input_tokens=10, output_tokens=5, cache_read_tokens=2), 0.25)
    metrics.reloaded("abcdef012345" + "0" * 52)
    metrics.reload_failed()
    return metrics


def test_everything_that_was_counted_is_told() -> None:
    told = scraped(some_metrics())
    assert told["tokenhub_requests_total", "chat", "gpt-4o", "openai", "200"] == 1
    assert told["tokenhub_requests_total", "chat", "", "", "404"] == 1
    assert told["tokenhub_attempts_total", "openai/gpt-4o", "ok"] == 1
    assert told["tokenhub_attempts_total", "openai/gpt-4o", "transient"] == 1
    assert told["tokenhub_tokens_total", "input", "gpt-4o", "openai"] == 10
    assert told["tokenhub_cost_usd_total", "gpt-4o", "openai"] == 0.25
    assert told["tokenhub_request_seconds_bucket", "chat", "0.25"] == 0
    assert told["tokenhub_request_seconds_bucket", "chat", "0.5"] == 1
    assert told["tokenhub_request_seconds_bucket", "chat", "+Inf"] == 1
    assert told["tokenhub_request_seconds_sum", "chat"] == 0.3
    assert told["tokenhub_first_byte_seconds_count", "openai/gpt-4o"] == 1
    assert told["tokenhub_in_flight",] == 3
    assert told["tokenhub_degraded", "store"] == 1
    assert told["tokenhub_config_info", "abcdef012345", "running", "1.0"] == 1
    assert told["tokenhub_config_reloads_total", "failed"] == 1


def test_the_workers_of_one_gateway_are_told_as_one() -> None:
    told = scraped(some_metrics(), some_metrics().dump(), some_metrics().dump())
    assert told["tokenhub_requests_total", "chat", "gpt-4o", "openai", "200"] == 3
    assert told["tokenhub_request_seconds_count", "chat"] == 3
    assert told["tokenhub_in_flight",] == 9
    assert told["tokenhub_config_info", "abcdef012345", "running", "1.0"] == 1


def test_o10_a_flood_of_labels_ends_as_other() -> None:
    tally = Tally("requests", "", ("model",), limit=10)
    spread = Spread("seconds", "", ("model",), (1.0,), limit=10)
    for index in range(100_000):
        tally.add((f"model-{index}",))
        spread.observe((f"model-{index}",), 0.5)
    assert len(tally.values) == len(spread.values) == 11
    assert tally.values["other",] == 99_990
    assert spread.values["other",] == [99_990, 0, 99_990 * 0.5]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(LATENCY_S), st.floats(0.0, 1000.0)), max_size=600), st.integers(0, 600))
def test_values_that_wait_to_be_sorted_in_are_told_with_the_others(values: list[float], looked_after: int) -> None:
    row = Row(LATENCY_S)
    for index, value in enumerate(values):
        row.add(value)
        if index == looked_after:
            assert sum(row.amounts[:-1]) == index + 1
    counts = [0.0] * (len(LATENCY_S) + 1)
    for value in values:
        counts[bisect_left(LATENCY_S, value)] += 1
    assert row.amounts == [*counts, pytest.approx(sum(values))]


def test_few_values_wait_to_be_sorted_in() -> None:
    row = Row(LATENCY_S)
    for _ in range(10_000):
        row.add(0.1)
        assert len(row.fresh) < FRESH


def test_a_call_that_worked_without_a_first_byte_is_counted_and_begins_no_series() -> None:
    metrics = Metrics()
    worked = Attempt(offer="a/m", provider="a", model="m", started=0.0, ms=5.0)
    metrics.attempted(worked)
    told = scraped(metrics)
    assert told["tokenhub_attempts_total", "a/m", "ok"] == 1
    assert not any(name.startswith("tokenhub_first_byte_seconds") for name, *_ in told)
