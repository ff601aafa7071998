"""Spans for OpenTelemetry, told after the fact: one for each request, one within it for each call to a provider.

Needs the extra `otel` and an endpoint in the environment; without either there is nothing here, and nothing to pay.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.domain.trail import Attempt
from gateway.state.ledger.record import Record

LOG = logging.getLogger("tokenhub")

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
NANO = 1_000_000_000


class Traces:
    """Hands finished spans to the library's own batch thread."""

    def __init__(self, provider: Any, trace: Any, propagator: Any) -> None:
        self._provider = provider
        self._trace = trace
        self._propagator = propagator
        self._tracer = provider.get_tracer("tokenhub")

    def note(self, record: Record, attempts: Iterable[Attempt], started: float, parent: str | None) -> None:
        """`started` is the monotonic time of the request, to place its attempts; `parent` a `traceparent` header."""
        kind = self._trace.SpanKind
        begin = int(record.unix * NANO)
        context = self._propagator.extract({"traceparent": parent}) if parent else None
        span = self._tracer.start_span(
            f"POST {record.endpoint}", context, kind.SERVER, attributes=request_attributes(record), start_time=begin
        )
        if record.error:
            span.set_status(self._trace.Status(self._trace.StatusCode.ERROR, record.error))
        inside = self._trace.set_span_in_context(span)
        for attempt in attempts:
            at = begin + int((attempt.started - started) * NANO)
            call = self._tracer.start_span(
                f"call {attempt.offer}", inside, kind.CLIENT, attributes=attempt_attributes(attempt), start_time=at
            )
            if attempt.failure is not None:
                call.set_status(self._trace.Status(self._trace.StatusCode.ERROR, attempt.failure.code))
            call.end(at + int(attempt.ms * 1e6))
        span.end(begin + int(record.latency_ms * 1e6))

    def close(self) -> None:
        """What waits is sent, within the library's own patience."""
        self._provider.shutdown()


def open_traces(env: Mapping[str, str], version: str) -> Traces | None:
    """None unless somebody is named who wants the spans."""
    endpoint = next((env[name] for name in ENDPOINTS if env.get(name)), None)
    if endpoint is None:
        return None
    try:
        from opentelemetry import trace  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415
    except ImportError:
        LOG.warning("spans are wanted at an OTLP endpoint, but the extra is missing: install `tokenhub[otel]`")
        return None
    url = env.get(ENDPOINTS[0]) or f"{endpoint.rstrip('/')}/v1/traces"
    names = {"service.name": env.get("OTEL_SERVICE_NAME", "tokenhub"), "service.version": version}
    provider = TracerProvider(resource=Resource.create(names))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
    return Traces(provider, trace, TraceContextTextMapPropagator())


def request_attributes(record: Record) -> dict[str, Any]:
    """Names of the semantic conventions where there are any; never what was said."""
    return {
        "gen_ai.request.model": record.asked,
        "gen_ai.response.model": record.served,
        "gen_ai.provider.name": record.provider,
        "gen_ai.usage.input_tokens": record.input_tokens + record.cache_read_tokens + record.cache_write_tokens,
        "gen_ai.usage.output_tokens": record.output_tokens + record.reasoning_tokens,
        "http.response.status_code": record.status,
        "tokenhub.request_id": f"req-{record.id}",
        "tokenhub.key": record.key,
        "tokenhub.model": record.model,
        "tokenhub.reason": record.reason,
        "tokenhub.attempts": record.attempts,
        "tokenhub.cost_usd": record.cost_nano_usd / NANO,
        "tokenhub.config": record.config,
    }


def attempt_attributes(attempt: Attempt) -> dict[str, Any]:
    failure = attempt.failure
    told: dict[str, Any] = {"gen_ai.provider.name": attempt.provider, "tokenhub.model": attempt.model}
    if failure is not None:
        told |= {"error.type": failure.code, "http.response.status_code": failure.status or 0}
    return told
