"""Metrics: what a scrape says, in Prometheus' own words, and that labels stay few."""

from prometheus_client.parser import text_string_to_metric_families

from gateway.domain.answer import Usage
from gateway.domain.trail import Attempt, Failure
from gateway.state.metrics import Metrics
from gateway.state.tally import Spread, Tally


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
