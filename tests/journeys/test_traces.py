"""Spans: one for each request, one for each call, sent to whoever is named in the environment; otherwise nothing."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.serving import a_config, serving
from tests.wire import Wire, openai_chat, openai_error

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "CANARY prompt"}]}


class Collector(HTTPServer):
    """Keeps the spans it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.spans: list[Any] = []
        self.raw = b""
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            import gzip

            body = gzip.decompress(body)
        self.server.raw += body
        sent = ExportTraceServiceRequest.FromString(body)
        for resource in sent.resource_spans:
            for scope in resource.scope_spans:
                self.server.spans += scope.spans
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Silent."""


def attributes(span: Any) -> dict[str, Any]:
    return {
        one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes if one.HasField("value")
    }


def test_a_request_and_its_calls_are_told_as_spans_of_the_callers_trace(tmp_path: Path) -> None:
    collector = Collector()
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}"}
    with Wire() as wire:
        wire.script(openai_error(429), openai_chat("hi"))
        with serving(a_config(wire.url, wire.url), tmp_path, env=env) as gateway, gateway.client() as client:
            answer = client.post("/v1/chat/completions", json=ASK, headers={"traceparent": PARENT})
            request_id = answer.headers["x-inferoute-request-id"]
    collector.shutdown()
    collector.server_close()
    spans = {span.name: span for span in collector.spans}
    request = spans["POST chat.completions"]
    assert request.trace_id.hex() == PARENT.split("-")[1]
    told = attributes(request)
    assert told["tokenhub.request_id"] == request_id
    assert (told["tokenhub.attempts"], told["gen_ai.provider.name"]) == (2, "p2")
    assert spans["call p1/gpt-4o"].parent_span_id == request.span_id
    assert attributes(spans["call p1/gpt-4o"])["http.response.status_code"] == 429
    assert spans["call p2/gpt-4o"].end_time_unix_nano <= request.end_time_unix_nano + 1_000_000
    assert b"CANARY" not in collector.raw


def test_without_an_endpoint_there_are_no_spans(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway:
        assert gateway.gateway.traces is None
