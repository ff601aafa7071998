"""Which connection serves which call, how many at once, and when one is closed."""

import asyncio
import gc
import random
import resource
import socket
import time

import pytest

from gateway.domain.call import Reply
from gateway.domain.trail import Failure
from gateway.upstream.stream import OpenStream
from tests.builders import a_provider
from tests.upstream.lab import Hand, Lab, read_all, run
from tests.wire import HOLE, RESET, Scripted, Wire, openai_chat, openai_stream, scenario


def connections_of(wire: Wire) -> list[int]:
    return [seen.connection for seen in wire.requests]


def test_calls_one_after_the_other_share_a_connection(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        for name in ("S10-rate-limited", "S14-server-error", "S18-no-content", "B03-gzip", "E07-bytes-after-done"):
            wire.script(scenario(name))
            await lab.reply()
        await read_all(await lab.stream())
        await lab.reply()
        assert len(wire.connections) == 1

    run(loop, main, wire.url)


CLOSED_AFTER = {
    "the answer says so": openai_chat(headers={"Connection": "close"}),
    "HTTP/1.0": Scripted(raw=b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
    "close-delimited": openai_chat().but(framing="close"),
    "E07 bytes after the end": Scripted(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi!"),
    "E07 a second answer": Scripted(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi" * 2),
    "a redirect": scenario("U14-redirect"),
    "an error that was cut": scenario("S24-binary-error").but(body=b"x" * 50_000),
    "it keeps nothing": openai_chat(headers={"Keep-Alive": "timeout=1"}),
}


@pytest.mark.parametrize("case", CLOSED_AFTER)
def test_a_connection_that_cannot_be_trusted_is_closed(case: str, loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(CLOSED_AFTER[case])
        await lab.send()
        await lab.reply()
        assert connections_of(wire) == [0, 1]
        await asyncio.to_thread(wire.wait_closed, 0)

    run(loop, main, wire.url)


def test_words_nobody_asked_for_close_an_idle_connection(loop: str, wire: Wire) -> None:
    """A late answer would become somebody else's."""

    async def main(lab: Lab) -> None:
        late = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nSECRET"
        wire.script(Scripted(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi" + late, split=40, pace_s=0.02))
        await lab.reply()
        await asyncio.to_thread(wire.wait_closed, 0)
        assert b"SECRET" not in (await lab.reply()).body

    run(loop, main, wire.url)


def test_the_connection_used_last_is_used_first(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        gates = [wire.gate(), wire.gate()]
        wire.script(*(openai_chat(gate=gate) for gate in gates))
        calls = [asyncio.create_task(lab.reply()) for _ in gates]
        await asyncio.to_thread(wire.wait_requests, 2)
        first, second = connections_of(wire)
        for gate, call in zip(gates, calls, strict=True):
            gate.open()
            await call
        await lab.reply()
        await lab.reply()
        assert connections_of(wire)[2:] == [second, second]
        assert first != second

    run(loop, main, wire.url)


def test_u07_a_stale_connection_is_replaced_without_a_word(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        await lab.reply()
        wire.script(RESET, openai_chat("fresh"))
        assert b"fresh" in (await lab.reply()).body
        assert connections_of(wire) == [0, 0, 1]
        wire.script(Scripted(raw=b"", end="close"), openai_stream())
        assert (await read_all(await lab.stream()))[1] is None
        assert connections_of(wire)[3:] == [1, 2]

    run(loop, main, wire.url)


def test_u07_a_fresh_connection_gets_no_second_try(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(RESET)
        failure = await lab.failure()
        assert (failure.code, failure.possibly_billed, failure.blame) == ("connection_reset", True, "offer")
        await lab.reply()
        wire.script(RESET, RESET)
        assert (await lab.failure()).code == "connection_reset"
        assert len(wire.requests) == 4

    run(loop, main, wire.url)


def test_u08_a_reused_connection_that_had_begun_to_answer_gets_no_second_try(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        await lab.reply()
        wire.script(scenario("U08-reset-inside-head"))
        assert (await lab.failure()).code == "connection_reset"
        assert len(wire.requests) == 2

    run(loop, main, wire.url)


def test_u10_a_connection_the_provider_closed_while_idle_is_not_used(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        await lab.reply()
        wire.drop_all()
        await asyncio.to_thread(wire.wait_closed, 0)
        while lab.connections:
            await asyncio.sleep(0.001)
        await lab.reply()
        assert connections_of(wire) == [0, 1]

    run(loop, main, wire.url)


@pytest.mark.parametrize(("skip_s", "expected"), [(14.0, [0, 0]), (16.0, [0, 1])])
def test_u10_a_connection_is_not_used_after_fifteen_idle_seconds(
    skip_s: float, expected: list[int], loop: str, wire: Wire
) -> None:
    hand = Hand()

    async def main(lab: Lab) -> None:
        await lab.reply()
        hand.skipped += skip_s
        await lab.reply()
        assert connections_of(wire) == expected

    run(loop, main, wire.url, clock=hand)


def test_u10_a_server_may_say_that_it_waits_less(loop: str, wire: Wire) -> None:
    hand = Hand()

    async def main(lab: Lab) -> None:
        wire.script(openai_chat(headers={"Keep-Alive": "timeout=5, max=100"}), always=True)
        await lab.reply()
        hand.skipped += 3.5
        await lab.reply()
        hand.skipped += 4.5
        await lab.reply()
        assert connections_of(wire) == [0, 0, 1]

    run(loop, main, wire.url, clock=hand)


def test_u16_a_connection_serves_five_minutes_at_most(loop: str, wire: Wire) -> None:
    hand = Hand()

    async def main(lab: Lab) -> None:
        for _ in range(32):
            await lab.reply()
            hand.skipped += 10
        assert len(wire.connections) == 2
        assert connections_of(wire).count(0) == 31

    run(loop, main, wire.url, clock=hand)


def test_idle_connections_are_swept_without_being_asked_for(loop: str, wire: Wire) -> None:
    hand = Hand()

    async def main(lab: Lab) -> None:
        await lab.reply()
        (pool,) = lab.upstream._pools.values()
        pool._sweep_idle()
        assert lab.connections == 1
        hand.skipped += 20
        pool._sweep_idle()
        await asyncio.to_thread(wire.wait_closed, 0)
        assert not pool._idle

    run(loop, main, wire.url, clock=hand)


def test_u11_more_calls_than_allowed_wait_in_line_and_then_fail(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        gate = wire.gate()
        wire.script(openai_chat(gate=gate), openai_chat(gate=gate))
        running = [asyncio.create_task(lab.reply()) for _ in range(2)]
        await asyncio.to_thread(wire.wait_requests, 2)
        failure = await lab.failure(patience=lab.patience(connect_s=0.05))
        assert (failure.code, failure.blame, failure.possibly_billed) == ("pool_exhausted", "nobody", False)
        assert (failure.kind, failure.same_offer) == ("transient", False)
        waiting = [asyncio.create_task(lab.reply()) for _ in range(20)]
        await asyncio.sleep(0.01)
        assert lab.in_use == 2
        gate.open()
        await asyncio.gather(*running, *waiting)
        assert len(wire.connections) == 2

    run(loop, main, wire.url, max_concurrency=2)


def test_u11_the_line_is_served_in_order(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        calls = [asyncio.create_task(lab.reply(f"model-{number}")) for number in range(10)]
        await asyncio.gather(*calls)
        assert [seen.model for seen in wire.requests] == [f"model-{number}" for number in range(10)]

    run(loop, main, wire.url, max_concurrency=1)


def test_u11_whoever_leaves_the_line_takes_no_place(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        gate = wire.gate()
        wire.script(openai_chat(gate=gate))
        running = asyncio.create_task(lab.reply())
        await asyncio.to_thread(wire.wait_requests, 1)
        waiting = [asyncio.create_task(lab.reply()) for _ in range(10)]
        await asyncio.sleep(0)
        for task in waiting[::2]:
            task.cancel()
        gate.open()
        # the place is given, and its receiver cancelled, in the same turn
        running.add_done_callback(lambda _: waiting[1].cancel())
        await asyncio.gather(running, *waiting, return_exceptions=True)
        assert lab.in_use == 0
        await lab.reply()

    run(loop, main, wire.url, max_concurrency=1)


def test_calls_share_no_connection_with_another_identity(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        other = a_provider("other", base_url=wire.url)
        await lab.reply()
        assert isinstance(await lab.upstream.send(other, lab.call(), lab.patience()), Reply)
        renamed = a_provider("renamed", base_url=wire.url, identity=lab.provider.identity)
        assert isinstance(await lab.upstream.send(renamed, lab.call(), lab.patience()), Reply)
        assert connections_of(wire) == [0, 1, 0]

    run(loop, main, wire.url)


def test_calls_to_another_address_of_the_same_provider_have_their_own_connection(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        await lab.reply()
        await lab.reply(url=f"http://localhost:{wire.port}/v1/chat/completions")
        await lab.reply()
        assert connections_of(wire) == [0, 1, 0]

    run(loop, main, wire.url)


def test_k34_a_reload_closes_what_nobody_names_and_keeps_the_rest(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        gone = a_provider("gone", base_url=wire.url)
        kept = lab.provider
        wire.script(openai_stream(["a", "b"], body_gate=(gate := wire.gate())), model="slow")
        stream = await lab.upstream.open(gone, lab.call("slow"), lab.patience())
        assert isinstance(stream, OpenStream)
        await lab.upstream.send(gone, lab.call(), lab.patience())
        await lab.reply()
        lab.upstream.keep_only([kept])
        await asyncio.to_thread(wire.wait_closed, 1)
        assert [it.id for it in wire.open_connections] == [0, 2], "the stream goes on, the idle one is closed"
        gate.open()
        assert (await read_all(stream))[1] is None
        await asyncio.to_thread(wire.wait_closed, 0)
        assert list(lab.upstream._pools) == [kept.identity]
        await lab.reply()
        assert connections_of(wire)[-1] == 2

    run(loop, main, wire.url)


def test_k34_a_provider_that_comes_back_is_kept_again(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        stream = await lab.stream()
        lab.upstream.keep_only([])
        lab.upstream.keep_only([lab.provider])
        assert (await read_all(stream))[1] is None
        await lab.reply()
        assert connections_of(wire) == [0, 0]
        lab.upstream.keep_only([])
        assert not lab.upstream._pools

    run(loop, main, wire.url)


def test_closing_the_client_ends_every_call(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        wire.script(HOLE, model="hole")
        wire.script(openai_stream(stall_after=1), model="stream")
        stream = await lab.stream("stream")
        calls = [asyncio.create_task(lab.failure("hole")), asyncio.create_task(lab.failure("line"))]
        await asyncio.to_thread(wire.wait_requests, 2)
        await lab.upstream.aclose()
        assert {(await call).code for call in calls} == {"server_shutdown"}
        _, failure = await read_all(stream)
        assert failure is not None
        assert failure.code == "server_shutdown"
        assert (await lab.failure()).code == "server_shutdown"
        await asyncio.to_thread(wire.wait_all_closed)

    run(loop, main, wire.url, max_concurrency=2)


CHURN_S = 1.2


@pytest.mark.parametrize("limit", [4, 50])
def test_u12_a_storm_of_cancelled_calls_costs_no_place(limit: int, loop: str, wire: Wire) -> None:
    """Thousands of calls are cancelled at random points; then every place serves again."""
    chance = random.Random(limit)
    answers = [
        openai_chat(delay_head_s=0.002),
        openai_chat(split=50),
        openai_chat(framing="chunked", split=30, pace_s=0.001),
        openai_stream(["a"] * 5, pace_s=0.001),
        openai_chat(headers={"Connection": "close"}),
        HOLE,
        RESET,
        scenario("U09-close-mid-body"),
    ]
    wire.default = lambda _: chance.choice(answers)

    async def main(lab: Lab) -> None:
        end = time.monotonic() + CHURN_S
        made = cancelled = 0

        async def one() -> None:
            outcome = await (lab.send if chance.random() < 0.5 else lab.open)(patience=lab.patience(connect_s=0.02))
            if isinstance(outcome, OpenStream):
                try:
                    await read_all(outcome)
                finally:
                    outcome.close()

        async def caller() -> None:
            nonlocal made, cancelled
            while time.monotonic() < end:
                task = asyncio.create_task(one())
                for _ in range(chance.randrange(6)):
                    await asyncio.sleep(0)
                await asyncio.sleep(chance.choice([0, 0, 0.0005, 0.002, 0.005]))
                made += 1
                cancelled += task.cancel()
                await asyncio.gather(task, return_exceptions=True)

        await asyncio.gather(*(caller() for _ in range(limit + 6)))
        assert cancelled > 500, made
        assert lab.in_use == 0
        gate = wire.gate()
        wire.default = lambda _: openai_chat(gate=gate)
        calls = [asyncio.create_task(lab.reply()) for _ in range(limit)]
        await asyncio.to_thread(gate.wait_reached, limit)
        gate.open()
        await asyncio.gather(*calls)
        assert len(wire.open_connections) <= limit

    run(loop, main, wire.url, max_concurrency=limit)


def test_u12_no_answer_reaches_another_call(loop: str, wire: Wire) -> None:
    """Calls are cancelled at random while every answer carries the name of its call."""
    chance = random.Random(7)
    wire.default = lambda seen: openai_chat(seen.model, delay_head_s=chance.choice([0, 0.001]), split=100)

    async def main(lab: Lab) -> None:
        async def one(name: str) -> None:
            reply = await lab.reply(name, patience=lab.patience(connect_s=5))
            assert f'"content": "{name}"'.encode() in reply.body

        async def caller(number: int) -> None:
            for turn in range(40):
                task = asyncio.create_task(one(f"call-{number}-{turn}"))
                if chance.random() < 0.5:
                    await asyncio.sleep(chance.choice([0, 0.0005, 0.001, 0.003]))
                    task.cancel()
                outcome = (await asyncio.gather(task, return_exceptions=True))[0]
                assert outcome is None or isinstance(outcome, asyncio.CancelledError), outcome

        await asyncio.gather(*(caller(number) for number in range(12)))

    run(loop, main, wire.url, max_concurrency=8)


def test_u18_without_a_free_file_nobody_is_blamed(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        taken = socket.socket()
        lowest_free = taken.fileno()
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free + 1, limits[1]))
        try:
            failure = await lab.failure()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            taken.close()
        assert (failure.code, failure.blame, failure.possibly_billed) == ("too_many_open_files", "nobody", False)
        await lab.reply()

    run(loop, main, wire.url)


def test_u13_proxies_in_the_environment_are_ignored(loop: str, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async def main(lab: Lab) -> None:
        await lab.reply()

    run(loop, main, wire.url)


def test_n25_calls_leave_no_memory_behind(wire: Wire) -> None:
    """Nothing that a call made is still there after it, nor circles that wait for the collector."""

    async def main(lab: Lab) -> None:
        async def rounds(count: int) -> None:
            for _ in range(count):
                wire.script(openai_stream(stall_after=1), RESET)
                (await lab.stream()).close()
                await lab.failure()
                await lab.reply()
            wire.forget()
            wire.connections.clear()

        await rounds(20)
        gc.collect()
        before = len(gc.get_objects())
        await rounds(60)
        await asyncio.sleep(0.05)
        gc.collect()
        assert len(gc.get_objects()) - before < 400

    run("asyncio", main, wire.url)


def test_every_failure_is_a_value(loop: str) -> None:
    async def main(lab: Lab) -> None:
        for call in (lab.send, lab.open):
            outcome = await call()
            assert isinstance(outcome, Failure)
            assert (outcome.code, outcome.blame, outcome.possibly_billed) == ("connect_refused", "provider", False)

    run(loop, main, "http://127.0.0.1:9")
