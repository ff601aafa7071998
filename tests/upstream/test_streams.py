"""Open streams: bytes as they come, silence and deadlines, back-pressure, and being done with them at any time."""

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable

import pytest

from gateway.domain.call import Reply
from gateway.domain.trail import Failure
from gateway.upstream.bounds import Bounds
from gateway.upstream.stream import OpenStream
from tests.upstream.lab import TAKING, Lab, run
from tests.wire import HOLE, SCENARIOS, Scripted, Wire, events, openai_chat, openai_error, openai_stream, scenario

Take = Callable[[OpenStream], Awaitable[tuple[bytes, Failure | None]]]
both_ways = pytest.mark.parametrize("take", TAKING, ids=["read", "poured"])
STREAMS = [name for name, said in SCENARIOS.items() if name.startswith("E") and "E16" not in name]
BROKEN = {
    "E08-stalls": "upstream_stalled",
    "E09-only-comments": "upstream_stalled",
    "E04-reset": "upstream_incomplete",
    "E04-close-mid-event": "upstream_incomplete",
}


@both_ways
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_read_to_its_end_or_to_the_failure_that_ends_it(
    name: str, take: Take, loop: str, wire: Wire
) -> None:
    async def main(lab: Lab) -> None:
        said = SCENARIOS[name]
        wire.script(said)
        stream = await lab.stream(patience=lab.patience(idle_s=0.15))
        assert stream.status == 200
        assert dict(stream.headers)["content-type"] == "text/event-stream"
        assert stream.first_byte_ms > 0
        heard, failure = await take(stream)
        whole = b"".join(said.pieces())
        if name in BROKEN:
            assert failure is not None
            assert (failure.code, failure.possibly_billed, failure.status) == (BROKEN[name], True, 200)
            assert whole.startswith(heard)
            assert await stream.read() == failure, "a broken stream stays broken"
        else:
            assert failure is None
            assert heard == whole
            assert await stream.read() == b""
        assert lab.in_use == 0, "the end of a stream frees its place without being closed"
        stream.close()
        stream.close()

    run(loop, main, wire.url)


def test_e01_an_error_status_comes_back_whole(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(openai_error(429), openai_error(500, framing="chunked", split=10), scenario("S24-huge-error"))
        for status in (429, 500, 500):
            reply = await lab.open()
            assert isinstance(reply, Reply)
            assert (reply.status, reply.body[:9]) == (status, b'{"error":')

    run(loop, main, wire.url)


def test_e16_json_comes_back_whole(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        long = openai_chat("x" * 1_000_000)
        wire.script(scenario("E16"), long, openai_chat(split=7, framing="chunked"))
        for said in (scenario("E16"), long, openai_chat()):
            reply = await lab.open()
            assert isinstance(reply, Reply)
            assert reply.body == said.pieces()[0]

    run(loop, main, wire.url)


@pytest.mark.parametrize("name", ["U08-reset-after-request", "U14-redirect", "S20-status-999"])
def test_a_stream_that_does_not_open_is_a_failure(name: str, loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(scenario(name))
        failure = await lab.open()
        assert isinstance(failure, Failure)
        assert failure.code in {"connection_reset", "unexpected_redirect", "malformed_response"}

    run(loop, main, wire.url)


@both_ways
def test_t03_the_first_token_has_the_patience_of_the_first_byte(take: Take, loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        gate = wire.gate()
        late = openai_stream(stall_after=0)
        wire.script(openai_stream(delay_body_s=0.15), late, openai_stream(body_gate=gate))
        stream = await lab.stream(patience=lab.patience(idle_s=0.05))
        assert (await take(stream))[1] is None, "a head at once and a late first token is fine"
        stream = await lab.stream(patience=lab.patience(first_byte_s=0.1))
        failure = await stream.read()
        assert isinstance(failure, Failure)
        assert (failure.code, failure.blame) == ("upstream_timeout", "offer")
        stream = await lab.stream(patience=lab.patience(first_byte_s=0.05))
        assert await stream.read()
        await asyncio.sleep(0.1)
        gate.open()
        assert (await take(stream))[1] is None, "once it has begun, the first byte's patience is over"

    run(loop, main, wire.url)


@both_ways
def test_t04_silence_is_counted_from_the_last_byte(take: Take, loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(openai_stream(["a"] * 10, pace_s=0.02), openai_stream(["a"] * 4, pace_s=0.3))
        stream = await lab.stream(patience=lab.patience(idle_s=0.15))
        assert (await take(stream))[1] is None
        stream = await lab.stream(patience=lab.patience(idle_s=0.1))
        _, failure = await take(stream)
        assert failure is not None
        assert failure.code == "upstream_stalled"

    run(loop, main, wire.url)


@both_ways
def test_e22_a_reader_that_takes_its_time_is_no_silence_of_the_provider(take: Take, loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(openai_stream(["a"] * 3))
        stream = await lab.stream(patience=lab.patience(idle_s=0.05, first_byte_s=0.05))
        await asyncio.sleep(0.15)
        heard, failure = await take(stream)
        assert failure is None
        assert heard.endswith(b"data: [DONE]\n\n")

    run(loop, main, wire.url)


@both_ways
def test_e22_a_slow_reader_stops_the_provider_and_loses_nothing(take: Take, loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        word = "x" * 100_000
        wire.script(openai_stream([word] * 200))
        stream = await lab.stream()
        sent, last = -1, -2
        while sent != last:
            last = sent
            await asyncio.sleep(0.05)
            sent = wire.connections[0].bytes_out
        assert sent < 12_000_000, "some of it is in the buffers of the kernel"
        assert stream._connection.answer.buffered <= 3 * 256 * 1024
        heard, failure = await take(stream)
        assert failure is None
        assert heard.count(word.encode()) == 200

    run(loop, main, wire.url)


def test_e20_closing_a_stream_closes_its_connection_at_once(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(openai_stream(["a"] * 1000, pace_s=0.005), always=True)
        stream = await lab.stream()
        assert await stream.read()
        began = time.monotonic()
        stream.close()
        assert lab.in_use == 0
        connection = await asyncio.to_thread(wire.wait_closed, 0)
        assert connection.how in {"FIN", "RST"}
        assert time.monotonic() - began < 1
        assert await stream.read() == b""

    run(loop, main, wire.url)


def test_e21_leaving_before_the_first_byte_closes_the_connection(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(HOLE, HOLE)
        for attempt, call in enumerate((lab.open, lab.send)):
            task = asyncio.create_task(call())
            await asyncio.to_thread(wire.wait_requests, attempt + 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert lab.in_use == 0
            await asyncio.to_thread(wire.wait_closed, attempt)

    run(loop, main, wire.url)


def test_a_stream_that_had_ended_gives_its_connection_back_when_closed_unread(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        for _ in range(3):
            stream = await lab.stream()
            while not stream._connection.answer.complete:
                await asyncio.sleep(0.001)
            stream.close()
        assert len(wire.connections) == 1

    run(loop, main, wire.url)


def test_closing_ends_a_read_that_waits_elsewhere(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(openai_stream(stall_after=2))
        stream = await lab.stream()
        assert await stream.read()
        reading = asyncio.create_task(stream.read())
        await asyncio.sleep(0.02)
        stream.close()
        while (data := await asyncio.wait_for(reading, 1)) != b"":
            assert isinstance(data, bytes)
            reading = asyncio.create_task(stream.read())

    run(loop, main, wire.url)


def test_a_late_reader_never_hears_the_next_call(loop: str, wire: Wire) -> None:
    """The stream is given back complete, and the connection is busy again before the reader's task runs."""

    async def main(lab: Lab) -> None:
        gate = wire.gate()
        wire.script(openai_stream(["a"], body_gate=gate), openai_chat("SECRET", delay_head_s=0.05))
        stream = await lab.stream()
        assert await stream.read()
        reading = asyncio.create_task(stream.read())
        await asyncio.sleep(0.01)
        gate.open()
        while not stream._connection.answer.complete:
            await asyncio.sleep(0)
        stream.close()
        after, late = await asyncio.gather(lab.reply(), reading)
        assert b"SECRET" in after.body
        assert late == b"" or b"SECRET" not in late  # type: ignore[operator]

    run(loop, main, wire.url)


@both_ways
def test_a_cancelled_read_costs_nothing_of_the_stream(take: Take, loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        gate = wire.gate()
        wire.script(openai_stream(["a", "b"], body_gate=gate))
        stream = await lab.stream()
        heard = await stream.read()
        assert isinstance(heard, bytes)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(stream.read(), 0.01)
        gate.open()
        rest, failure = await take(stream)
        assert failure is None
        assert heard + rest == b"".join(openai_stream(["a", "b"]).pieces())

    run(loop, main, wire.url)


@both_ways
def test_a_forgotten_stream_costs_no_place_beyond_its_deadline(take: Take, loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(openai_stream(stall_after=2))
        stream = await lab.stream(patience=lab.patience(until=time.monotonic() + 0.1))
        while lab.in_use:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(wire.wait_closed, 0)
        _, failure = await take(stream)
        assert failure is not None
        assert failure.code == "deadline_exceeded"
        assert lab.in_use == 0

    run(loop, main, wire.url)


@both_ways
@pytest.mark.parametrize("split", [None, 1])
def test_b03_a_compressed_stream_is_undone_as_it_comes(split: int | None, take: Take, loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        plain = b"".join(openai_stream(["a"] * 50).pieces())
        squeezed = gzip.compress(plain)
        said = Scripted(
            headers={"Content-Type": "text/event-stream", "Content-Encoding": "gzip"},
            framing="chunked",
            body=squeezed,
            split=split,
        )
        wire.script(said, said.but(body=squeezed[:-9]), said.but(body=b"\x1f\x8bnot gzip" * 9))
        assert await take(await lab.stream()) == (plain, None)
        for code in ("upstream_incomplete", "bad_encoding"):
            _, failure = await take(await lab.stream())
            assert failure is not None
            assert failure.code == code

    run(loop, main, wire.url)


def test_b03_a_bomb_in_a_stream_comes_in_steps(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        bomb = scenario("B03-gzip-bomb")
        headers = {"Content-Type": "text/event-stream", "Content-Encoding": "gzip"}
        wire.script(bomb.but(headers=headers))
        stream = await lab.stream()
        for _ in range(5):
            data = await stream.read()
            assert isinstance(data, bytes)
            assert 0 < len(data) <= 1024 * 1024
        stream.close()

    run(loop, main, wire.url)


def test_an_unknown_encoding_of_a_stream_is_a_failure(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(events(["x"], headers={"Content-Encoding": "br"}))
        failure = await lab.open()
        assert isinstance(failure, Failure)
        assert failure.code == "bad_encoding"

    run(loop, main, wire.url)


@both_ways
def test_a_stream_has_no_end_by_size(take: Take, loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(openai_stream(["x" * 10_000] * 100, delay_body_s=0.05))
        heard, failure = await take(await lab.stream())
        assert failure is None
        assert len(heard) > 1_000_000

    run(loop, main, wire.url, bounds=Bounds(body_bytes=300_000))


def test_e15_what_is_there_is_read_at_once(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(scenario("E15"))
        stream = await lab.stream()
        await asyncio.sleep(0.1)
        first = await stream.read()
        assert isinstance(first, bytes)
        assert first.count(b"data: ") > 100
        stream.close()

    run(loop, main, wire.url)
