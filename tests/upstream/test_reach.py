"""The way to a provider: names, several addresses, TLS, proxies; and whose fault it is when there is none."""

import asyncio
import contextlib
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Iterator

import pytest

from gateway.domain.call import Reply
from gateway.domain.table import Tls
from gateway.domain.trail import Failure
from gateway.upstream.addresses import is_permitted
from gateway.upstream.bounds import Bounds
from gateway.upstream.names import Address
from gateway.upstream.race import alternating
from tests.upstream.lab import Hand, Lab, run
from tests.wire import Authority, ConnectProxy, FaultProxy, Wire, openai_chat
from tests.wire.tls import Variant

V4 = int(socket.AF_INET)
V6 = int(socket.AF_INET6)
HERE: tuple[Address, ...] = ((V4, "127.0.0.1"),)


class Resolver:
    """Knows what it is told; each answer may also be an error, or never come."""

    def __init__(self, *answers: tuple[Address, ...] | OSError | None) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str) -> tuple[Address, ...]:
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, OSError):
            raise answer
        return answer or ()


NXDOMAIN = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
SERVFAIL = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


@contextlib.contextmanager
def black_hole(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """A port whose line of waiting connections is full: whoever comes next is not answered at all."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        time.sleep(0.01)
        yield int(listener.getsockname()[1])


# names


@pytest.mark.parametrize("answer", [NXDOMAIN, SERVFAIL, ()])
def test_u01_a_name_without_an_address_is_the_providers_fault(answer: OSError | tuple[()], loop: str) -> None:
    async def main(lab: Lab) -> None:
        failure = await lab.failure()
        assert (failure.code, failure.blame, failure.same_offer) == ("dns_error", "provider", False)
        assert not failure.possibly_billed
        assert "api.example" not in failure.message

    run(loop, main, "http://api.example/v1", lookup=Resolver(answer))


def test_u02_a_resolver_that_hangs_costs_the_connect_budget_and_no_more(loop: str) -> None:
    async def main(lab: Lab) -> None:
        began = time.monotonic()
        failure = await lab.failure(patience=lab.patience(connect_s=0.1))
        assert failure.code == "dns_error"
        assert time.monotonic() - began < 2

    run(loop, main, "http://api.example/v1", lookup=Resolver(None))


@pytest.mark.parametrize("broken", [SERVFAIL, None], ids=["fails", "hangs"])
def test_u02_the_last_good_address_serves_for_five_minutes(broken: OSError | None, loop: str, wire: Wire) -> None:
    hand = Hand()
    resolver = Resolver(HERE, broken)

    async def main(lab: Lab) -> None:
        await lab.reply()
        for skip_s, asked in ((20, 1), (100, 2), (150, 3 if broken else 2)):
            hand.skipped += skip_s
            await lab.reply()
            assert len(resolver.asked) == asked, "fresh answers are not asked for again"
        hand.skipped += 100
        failure = await lab.failure(patience=lab.patience(connect_s=0.1))
        assert failure.code == "dns_error"

    run(loop, main, f"http://api.example:{wire.port}", lookup=resolver, clock=hand)


def test_u02_many_calls_ask_once(loop: str, wire: Wire) -> None:
    resolver = Resolver(HERE)

    async def main(lab: Lab) -> None:
        await asyncio.gather(*(lab.reply() for _ in range(20)))
        assert resolver.asked == ["api.example"]

    run(loop, main, f"http://api.example:{wire.port}", lookup=resolver)


def test_a_caller_who_leaves_takes_no_answer_from_the_others(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        first = asyncio.create_task(lab.reply())
        second = asyncio.create_task(lab.reply())
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert isinstance(await second, Reply)

    run(loop, main, f"http://localhost:{wire.port}")


def test_u16_a_provider_that_moved_is_looked_up_again(loop: str, wire: Wire) -> None:
    resolver = Resolver(((V4, "127.0.0.2"),), HERE)

    async def main(lab: Lab) -> None:
        assert (await lab.failure()).code == "connect_refused"
        await lab.reply()
        assert len(resolver.asked) == 2

    run(loop, main, f"http://api.example:{wire.port}", lookup=resolver)


def test_the_system_resolves_names(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        await lab.reply()
        assert wire.requests[0].header("host") == f"localhost:{wire.port}"

    run(loop, main, f"http://localhost:{wire.port}")


PUBLIC = ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0", "198.18.0.1", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "168.63.129.16", "192.0.2.1", "::", "::1", "::7f00:1", "fe80::1",
    "fe80::1%lo", "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b:1::1", "2002:7f00:1::", "2001:0::1", "192.88.99.1",
]  # fmt: skip
METADATA = [
    "169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_permitted(address: str) -> None:
    assert is_permitted(address, allow_private=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_x05_private_addresses_need_permission(address: str) -> None:
    assert not is_permitted(address, allow_private=False)
    assert is_permitted(address, allow_private=True)


@pytest.mark.parametrize("address", METADATA)
def test_x05_addresses_that_hand_out_credentials_are_never_permitted(address: str) -> None:
    assert not is_permitted(address, allow_private=True)


@pytest.mark.parametrize("host", ["api.example", "127.0.0.1", "[::1]"])
def test_x05_a_name_that_leads_inside_is_refused(host: str, loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        failure = await lab.failure()
        assert (failure.code, failure.kind, failure.blame) == ("address_refused", "refused", "provider")
        assert not wire.connections

    run(loop, main, f"http://{host}:{wire.port}", lookup=Resolver(HERE), allow_private=False)


# addresses


def test_u03_a_refused_connection_fails_at_once(loop: str) -> None:
    async def main(lab: Lab) -> None:
        failure = await lab.failure()
        assert (failure.code, failure.blame, failure.same_offer) == ("connect_refused", "provider", False)

    run(loop, main, "http://127.0.0.1:9")


def test_u04_a_connection_nobody_answers_is_given_up_in_time(loop: str) -> None:
    async def main(lab: Lab) -> None:
        began = time.monotonic()
        failure = await lab.failure(patience=lab.patience(connect_s=0.1))
        assert (failure.code, failure.blame, failure.possibly_billed) == ("connect_timeout", "provider", False)
        failure = await lab.failure(patience=lab.patience(until=time.monotonic() + 0.1))
        assert (failure.code, failure.blame) == ("deadline_exceeded", "nobody")
        assert time.monotonic() - began < 5

    with black_hole() as port:
        run(loop, main, f"http://127.0.0.1:{port}")


def test_u15_a_dead_address_costs_a_quarter_second(loop: str, wire: Wire) -> None:
    """The head start is shortened here; what counts is that the second address is tried beside the first."""

    async def main(lab: Lab) -> None:
        began = time.monotonic()
        await lab.reply()
        assert time.monotonic() - began < 2

    lookup = Resolver(((V4, "127.0.0.2"), (V4, "127.0.0.1")))
    with black_hole("127.0.0.2", wire.port):
        bounds = Bounds(second_address_s=0.05)
        run(loop, main, f"http://api.example:{wire.port}", lookup=lookup, bounds=bounds)


def test_u15_a_refused_address_costs_nothing(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        await lab.reply()

    addresses = ((V6, "::1"), (V4, "127.0.0.3"), (V4, "127.0.0.2"), (V4, "127.0.0.1"))
    bounds = Bounds(second_address_s=60.0)
    run(loop, main, f"http://api.example:{wire.port}", lookup=Resolver(addresses), bounds=bounds)


def test_when_every_address_fails_the_telling_one_is_reported(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        assert (await lab.failure()).code == "connect_refused"

    addresses = ((V4, "127.0.0.3"), (V4, "127.0.0.2"))
    run(loop, main, f"http://api.example:{wire.port}", lookup=Resolver(addresses))


def test_a_call_cancelled_while_it_races_leaves_nothing_open(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        task = asyncio.create_task(lab.send())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)

    addresses = ((V4, "127.0.0.2"), (V4, "127.0.0.3"))
    with black_hole("127.0.0.2") as port, black_hole("127.0.0.3", port):
        bounds = Bounds(second_address_s=0.02)
        run(loop, main, f"http://api.example:{port}", lookup=Resolver(addresses), bounds=bounds)


def test_families_take_turns() -> None:
    six, four = [(V6, f"::{n}") for n in range(3)], [(V4, f"10.0.0.{n}") for n in range(2)]
    assert list(alternating([*six, *four])) == [six[0], four[0], six[1], four[1], six[2]]


def test_ipv6_is_spoken(loop: str) -> None:
    try:
        with Wire(host="::1") as wire:

            async def main(lab: Lab) -> None:
                await lab.reply()
                assert wire.requests[0].header("host") == f"[::1]:{wire.port}"

            run(loop, main, f"http://[::1]:{wire.port}")
    except OSError:
        pytest.skip("no IPv6 here")


# TLS


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    authority = Authority()
    yield authority
    authority.close()


def test_a_provider_that_proves_who_it_is_is_called(loop: str, authority: Authority) -> None:
    with Wire(tls="good", authority=authority) as wire:

        async def main(lab: Lab) -> None:
            for _ in range(3):
                await lab.reply()
            stream = await lab.stream()
            stream.close()
            await lab.reply(body=b"x" * 3_000_000)
            assert len(wire.connections) <= 2

        run(loop, main, wire.url, tls=Tls(ca_file=authority.ca_file))


def test_the_name_of_the_provider_is_what_the_certificate_must_show(loop: str, authority: Authority) -> None:
    with Wire(tls="good", authority=authority, names=("api.example",)) as wire:

        async def main(lab: Lab) -> None:
            await lab.reply()
            assert (await lab.failure(url=f"https://evil.example:{wire.port}/")).code == "tls_error"
            assert (await lab.failure(url=f"https://127.0.0.1:{wire.port}/")).code == "tls_error"

        tls = Tls(ca_file=authority.ca_file)
        run(loop, main, f"https://api.example:{wire.port}", tls=tls, lookup=Resolver(HERE))


@pytest.mark.parametrize("variant", ["expired", "wrong_name", "untrusted", "client_cert"])
def test_u05_a_certificate_that_proves_nothing_is_the_providers_fault(
    variant: Variant, loop: str, authority: Authority
) -> None:
    with Wire(tls=variant, authority=authority) as wire:

        async def main(lab: Lab) -> None:
            failure = await lab.failure()
            if variant == "client_cert":  # TLS 1.3: the client hears of it only after its handshake
                assert failure.code in {"tls_error", "connection_reset"}
                return
            assert (failure.code, failure.blame, failure.same_offer) == ("tls_error", "provider", False)
            assert not failure.possibly_billed
            assert not wire.requests

        run(loop, main, wire.url, tls=Tls(ca_file=authority.ca_file))


def test_u05_the_systems_authorities_do_not_know_ours(loop: str, authority: Authority) -> None:
    with Wire(tls="good", authority=authority) as wire:

        async def main(lab: Lab) -> None:
            assert (await lab.failure()).code == "tls_error"

        run(loop, main, wire.url)


def test_a_client_certificate_is_shown(loop: str, authority: Authority) -> None:
    cert, key = authority.client_files
    with Wire(tls="client_cert", authority=authority) as wire:

        async def main(lab: Lab) -> None:
            await lab.reply()

        run(loop, main, wire.url, tls=Tls(ca_file=authority.ca_file, client_cert=cert, client_key=key))


@pytest.mark.parametrize("tls", [Tls(ca_file="/nowhere/ca.pem"), Tls(ca_file=__file__), Tls(client_cert=__file__)])
def test_tls_files_that_cannot_be_used_are_a_failure(tls: Tls, loop: str, authority: Authority) -> None:
    with Wire(tls="good", authority=authority) as wire:

        async def main(lab: Lab) -> None:
            failure = await lab.failure()
            assert (failure.code, failure.kind) == ("tls_files", "refused")
            assert "/" not in failure.message

        run(loop, main, wire.url, tls=tls)


def test_u06_a_handshake_that_hangs_is_given_up(loop: str) -> None:
    with Wire(tls="good", mute=True) as wire:

        async def main(lab: Lab) -> None:
            failure = await lab.failure()
            assert (failure.code, failure.blame, failure.same_offer) == ("connect_timeout", "provider", False)
            failure = await lab.failure(patience=lab.patience(until=time.monotonic() + 0.05))
            assert failure.code == "deadline_exceeded"
            await asyncio.to_thread(wire.wait_all_closed)

        run(loop, main, wire.url, bounds=Bounds(handshake_s=0.2))


def test_a_call_cancelled_in_its_handshake_leaves_nothing_open(loop: str) -> None:
    with Wire(tls="good", mute=True) as wire:

        async def main(lab: Lab) -> None:
            task = asyncio.create_task(lab.send())
            await asyncio.to_thread(wire.wait_connections, 1)
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(wire.wait_all_closed)

        run(loop, main, wire.url)


def test_u05_a_plain_server_where_tls_was_expected(loop: str, wire: Wire) -> None:
    wire.default = lambda _: openai_chat()

    async def main(lab: Lab) -> None:
        with_tls = f"https://127.0.0.1:{wire.port}/"
        failure = await lab.failure(url=with_tls)
        assert failure.code in {"tls_error", "connect_timeout"}

    run(loop, main, wire.url, bounds=Bounds(handshake_s=0.3))


@pytest.mark.parametrize("harm", ["corrupt_at", "reset_after", "cut_after"])
def test_tls_bytes_harmed_on_the_way_never_become_an_answer(harm: str, loop: str, authority: Authority) -> None:
    with Wire(tls="good", authority=authority) as wire, FaultProxy("127.0.0.1", wire.port) as proxy:
        wire.default = lambda _: openai_chat("x" * 5000)

        async def main(lab: Lab) -> None:
            setattr(proxy, harm, 5000)
            failure = await lab.failure()
            assert isinstance(failure, Failure)
            assert failure.code in {"connection_reset", "upstream_incomplete", "tls_error"}

        run(loop, main, f"https://127.0.0.1:{proxy.port}", tls=Tls(ca_file=authority.ca_file))


# proxies


def test_an_http_provider_is_asked_for_by_its_whole_address(loop: str, wire: Wire) -> None:
    with ConnectProxy(addresses={"api.example": ("127.0.0.1", wire.port)}) as proxy:

        async def main(lab: Lab) -> None:
            await lab.reply()
            await lab.reply()
            (seen,) = proxy.requests
            assert seen.target == "http://api.example/v1/v1/chat/completions"
            assert seen.header("host") == "api.example"
            assert seen.header("proxy-authorization") == "Basic " + b64encode(b"user:p@ss").decode()

        address = proxy.url.replace("//", "//user:p%40ss@")
        run(loop, main, "http://api.example/v1", proxy=address, lookup=Resolver(NXDOMAIN), allow_private=False)


def test_an_https_provider_is_reached_through_a_tunnel(loop: str, authority: Authority) -> None:
    with (
        Wire(tls="good", authority=authority, names=("api.example",)) as wire,
        ConnectProxy(addresses={"api.example": ("127.0.0.1", wire.port)}) as proxy,
    ):

        async def main(lab: Lab) -> None:
            await lab.reply()
            await lab.reply()
            (seen,) = proxy.requests
            assert (seen.method, seen.target) == ("CONNECT", "api.example:443")
            assert seen.header("authorization") is None, "our key is for the provider only"
            assert seen.header("proxy-authorization") == "Basic " + b64encode(b"user:pass").decode()
            assert wire.requests[0].target == "/v1/chat/completions"
            assert wire.requests[0].header("proxy-authorization") is None

        address = proxy.url.replace("//", "//user:pass@")
        run(loop, main, "https://api.example", proxy=address, tls=Tls(ca_file=authority.ca_file))


@pytest.mark.parametrize("does", ["refuse", "want_login", "babble", "close", "hang"])
def test_a_proxy_that_will_not_is_a_proxy_error(does: str, loop: str) -> None:
    with ConnectProxy(does=does) as proxy:  # type: ignore[arg-type]

        async def main(lab: Lab) -> None:
            failure = await lab.failure(patience=lab.patience(connect_s=0.2))
            assert (failure.code, failure.blame, failure.possibly_billed) == ("proxy_error", "provider", False)

        run(loop, main, "https://api.example", proxy=proxy.url)


@pytest.mark.parametrize(
    "proxy", ["http://127.0.0.1:9", "http://proxy.example:3128", "https://127.0.0.1:9", "socks5://x", "x"]
)
def test_a_proxy_that_cannot_be_reached_is_a_proxy_error(proxy: str, loop: str) -> None:
    async def main(lab: Lab) -> None:
        for call in (lab.send, lab.open):
            failure = await call()
            assert isinstance(failure, Failure)
            assert failure.code == "proxy_error"
            assert "proxy.example" not in failure.message

    run(loop, main, "https://api.example", proxy=proxy, lookup=Resolver(NXDOMAIN))


# slow and cut ways


@pytest.mark.parametrize("size", [1, 7, 100])
def test_answers_cut_into_the_smallest_packets_are_read(size: int, loop: str, wire: Wire) -> None:
    with FaultProxy("127.0.0.1", wire.port) as proxy:
        proxy.slice_bytes = size

        async def main(lab: Lab) -> None:
            assert (await lab.reply()).body.endswith(b"}}")

        run(loop, main, proxy.url)


@pytest.mark.parametrize("harm", ["cut_after", "reset_after"])
def test_an_answer_cut_at_any_byte_is_a_failure_or_whole(harm: str, loop: str, wire: Wire) -> None:
    wire.default = lambda _: openai_chat("hi")
    length = len(openai_chat("hi").head() + openai_chat("hi").pieces()[0])
    with FaultProxy("127.0.0.1", wire.port) as proxy:

        async def main(lab: Lab) -> None:
            for at in range(1, length, 9):
                setattr(proxy, harm, at)
                failure = await lab.failure()
                assert failure.code in {"connection_reset", "upstream_incomplete"}
                assert failure.possibly_billed

        run(loop, main, proxy.url)


def test_threads_are_not_left_behind(loop: str, wire: Wire) -> None:
    async def main(lab: Lab) -> None:
        await lab.reply()

    before = threading.active_count()
    run(loop, main, f"http://localhost:{wire.port}")
    assert threading.active_count() <= before
