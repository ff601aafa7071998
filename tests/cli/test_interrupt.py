"""Ctrl-C: whoever presses it waits for open answers, not for balancers that are not there."""

import signal
from pathlib import Path

from tests.faults.process import a_process
from tests.serving import a_config
from tests.wire import Wire, openai_stream

LONG = "server: {drain_delay: 10m}\n"
ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello!"}], "stream": True}


def test_an_idle_gateway_ends_without_the_delay(tmp_path: Path) -> None:
    with a_process(a_config("http://127.0.0.1:9", more=LONG), tmp_path) as process:
        process.tell(signal.SIGINT)
        assert process.wait() == 0


def test_a_stream_that_is_open_is_finished_first(tmp_path: Path) -> None:
    with Wire() as wire, a_process(a_config(wire.url, more=LONG), tmp_path) as process, process.client() as client:
        gate = wire.gate()
        wire.script(openai_stream(["Hello", " there"], role_first=False, body_gate=gate))
        with client.stream("POST", "/v1/chat/completions", json=ASK) as answer:
            lines = answer.iter_lines()
            next(lines)
            process.tell(signal.SIGINT)
            process.said("draining")
            gate.open()
            assert "data: [DONE]" in list(lines)
        assert process.wait() == 0


def test_after_sigterm_balancers_still_get_their_time(tmp_path: Path) -> None:
    with a_process(a_config("http://127.0.0.1:9", more=LONG), tmp_path) as process, process.client() as client:
        process.tell(signal.SIGTERM)
        process.said("draining")
        assert client.get("/readyz").status_code == 503
        assert client.get("/v1/models").status_code == 200
        process.tell(signal.SIGINT)
        assert process.wait() == 0
