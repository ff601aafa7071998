"""Every route with every kind of credential: who comes in is written here, and a route without a row fails."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar

from gateway.web import app as web_app
from tests.serving import ADMIN, Serving, a_config, digest_of, serving
from tests.wire import Wire

SCOPES = ("chat", "embeddings", "models", "explain", "admin")

PUBLIC = frozenset({"/healthz", "/readyz", "/metrics", "/schema"})
"""All that anybody may see. Whoever adds one, adds it here."""

ROWS: dict[str, frozenset[str]] = {
    "/v1/chat/completions": frozenset({"chat"}),
    "/v1/completions": frozenset({"chat"}),
    "/v1/chat": frozenset({"chat"}),
    "/v1/messages": frozenset({"chat"}),
    "/v1/messages/count_tokens": frozenset({"chat"}),
    "/v1/responses": frozenset({"chat"}),
    "/v1/embeddings": frozenset({"embeddings"}),
    "/v1/explain": frozenset({"explain", "chat"}),
    "/v1/models": frozenset(SCOPES),
    "/v1/models/{model_id}": frozenset(SCOPES),
}
"""Which scopes open a route to callers. `/v1/explain` is asked about a chat here."""

ADMIN_PREFIX = "/admin/v1/"

KEYS: dict[str, str] = {scope: f"th-CANARY-only-{scope}" for scope in SCOPES} | {
    "any": "th-CANARY-any",
    "disabled": "th-CANARY-disabled",
    "expired": "th-CANARY-expired",
}

CREDENTIALS: dict[str, str | None] = {
    "none": None,
    "malformed": "Basic dXNlcjpwYXNz",
    "empty": "Bearer",
    "two words": f"Bearer {KEYS['any']} {KEYS['any']}",
    "unknown": "Bearer th-CANARY-unknown",
    "digest": "Bearer " + digest_of(KEYS["any"]),
    "part of a key": "Bearer " + KEYS["any"][:-1],
    **{name: f"Bearer {key}" for name, key in KEYS.items()},
    "lower case scheme": f"bearer {KEYS['any']}",
    "admin token": f"Bearer {ADMIN}",
}

NOBODY = frozenset(
    {"none", "malformed", "empty", "two words", "unknown", "digest", "part of a key", "disabled", "expired"}
)
EVERYTHING_BUT_ADMIN = frozenset({"any", "lower case scheme"})


@dataclass(frozen=True)
class Route:
    method: str
    path: str


class Recording(Litestar):
    """Remembers the route table of the application that serves."""

    made: list[Litestar] = []  # noqa: RUF012 one list for all

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.made.append(self)


def the_config(url: str) -> str:
    lines = [f"  - {{name: only-{scope}, digest: '{digest_of(KEYS[scope])}', scopes: [{scope}]}}" for scope in SCOPES]
    lines += [
        f"  - {{name: any, digest: '{digest_of(KEYS['any'])}'}}",
        f"  - {{name: disabled, digest: '{digest_of(KEYS['disabled'])}', enabled: false}}",
        f"  - {{name: expired, digest: '{digest_of(KEYS['expired'])}', expires: 2020-01-01}}",
    ]
    return a_config(url) + "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with pytest.MonkeyPatch.context() as patch, Wire() as wire:
        patch.setattr(web_app, "Litestar", Recording)
        with serving(the_config(wire.url), tmp_path_factory.mktemp("matrix")) as one:
            yield one


@pytest.fixture(scope="module")
def routes(gateway: Serving) -> list[Route]:
    found = []
    for route in Recording.made[-1].routes:
        methods = getattr(route, "methods", set()) - {"OPTIONS"} or {"POST"}
        found += [Route(method, route.path_format) for method in sorted(methods)]
    assert len(found) > 20
    return found


def expected(path: str, credential: str) -> int | None:
    """The refusal, or None for whoever comes in."""
    if path in PUBLIC:
        return None
    if path.startswith(ADMIN_PREFIX):
        if credential in ("admin token", "admin"):
            return None
        return 401 if credential in NOBODY else 403
    if credential in NOBODY or credential == "admin token":
        return 401
    return None if credential in EVERYTHING_BUT_ADMIN or credential in ROWS[path] else 403


def call(client: httpx.Client, route: Route, credential: str) -> httpx.Response:
    said = CREDENTIALS[credential]
    path = route.path.replace("{model_id}", "gpt-4o").replace("{name}", "nobody")
    body = {"messages": [], "model": "gpt-4o"} if path == "/v1/explain" else {}
    more: dict[str, Any] = {"json": body} if route.method in ("POST", "PUT") else {}
    return client.request(route.method, path, headers={} if said is None else {"Authorization": said}, **more)


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_every_route_lets_in_whom_its_row_says(gateway: Serving, routes: list[Route], credential: str) -> None:
    with gateway.client(None) as client:
        for route in routes:
            assert route.path in PUBLIC or route.path.startswith(ADMIN_PREFIX) or route.path in ROWS, f"{route}: no row"
            answer = call(client, route, credential)
            wanted = expected(route.path, credential)
            place = f"{route.method} {route.path} with {credential}: {answer.status_code} {answer.text[:200]}"
            if wanted is None:
                assert answer.status_code not in (401, 403, 500), place
            else:
                assert answer.status_code == wanted, place
                assert ("www-authenticate" in answer.headers) is (wanted == 401), place


def test_no_row_is_left_over(routes: list[Route]) -> None:
    assert ROWS.keys() | PUBLIC <= {route.path for route in routes}


TRICKS = (
    "//v1/models", "/v1//models", "/V1/MODELS", "/v1/models/", "/v1/./models", "/v1/x/../models", "/v1/%6dodels",
    "/v1/models%2f", "/healthz/../admin/v1/status", "/healthz%2f..%2fadmin/v1/status", "//admin/v1/status",
    "/admin/v1/status/", "/admin//v1/status", "/ADMIN/v1/status", "/%61dmin/v1/status", "/admin/v1/status;x=1",
    "/admin/v1/status?public=1", "/v1/../admin/v1/status", "/metrics/../admin/v1/keys", "/admin/v1/status%00",
    "/v1/chat/completions/../../../admin/v1/status", "/admin/v1/%2e%2e/v1/status", "\\admin\\v1\\status",
)  # fmt: skip


@pytest.mark.parametrize("target", TRICKS)
@pytest.mark.parametrize("host", ["x", "admin", "localhost", "127.0.0.1", "healthz"])
def test_a14_a_path_by_any_other_spelling_asks_for_the_same_key(gateway: Serving, target: str, host: str) -> None:
    request = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Host: localhost\r\nX-Original-URL: /healthz\r\n"
    answer = raw(gateway, request.encode() + b"X-Rewrite-URL: /healthz\r\nConnection: close\r\n\r\n")
    assert int(answer[9:12]) in (400, 401, 404, 405), answer[:300]
    for secret in (b'"uptime', b'"data"', b'"digest'):
        assert secret not in answer


END = b"\r\nConnection: close\r\n\r\n"


def raw(gateway: Serving, sent: bytes) -> bytes:
    host, port = gateway.url.removeprefix("http://").split(":")
    got = b""
    with socket.create_connection((host, int(port)), timeout=10) as sock:
        sock.sendall(sent)
        while data := sock.recv(65536):
            got += data
    return got


@pytest.mark.parametrize("token", ["", None])
def test_a13_without_an_admin_token_nobody_is_let_in_by_an_empty_one(tmp_path: Path, token: str | None) -> None:
    env = {"TOKENHUB_ADMIN_TOKEN": token or ""}
    with serving(the_config("http://127.0.0.1:9"), tmp_path, env=env) as gateway, gateway.client(None) as client:
        for said in (None, "Bearer", "bearer", "Bearer None", "Bearer null", f"Bearer {KEYS['any']}"):
            headers = {} if said is None else {"Authorization": said}
            assert client.get("/admin/v1/status", headers=headers).status_code in (401, 403)
        for space in (b"Bearer ", b"Bearer  ", b"Bearer \t"):
            answer = raw(gateway, b"GET /admin/v1/status HTTP/1.1\r\nHost: x\r\nAuthorization: " + space + END)
            assert answer.startswith(b"HTTP/1.1 401 ")
        assert client.get("/admin/v1/status", headers={"Authorization": f"Bearer {KEYS['admin']}"}).status_code == 200


KEY_ELSEWHERE: dict[str, dict[str, Any]] = {
    "X-API-Key": {"headers": {"X-API-Key": KEYS["any"]}},
    "query": {"params": {"api_key": KEYS["any"], "key": KEYS["any"], "access_token": KEYS["any"]}},
    "cookie": {"headers": {"Cookie": f"Authorization={KEYS['any']}"}},
    "basic": {"auth": (KEYS["any"], "")},
    "proxy": {"headers": {"Proxy-Authorization": f"Bearer {KEYS['any']}"}},
    "beyond ASCII": {"headers": {b"Authorization": b"Bearer \xff\xfe\x80"}},
    "trailing space": {"headers": {"Authorization": f"Bearer {KEYS['any']} x"}},
    "50 KB": {"headers": {"Authorization": "Bearer " + "k" * 50_000}},
}


@pytest.mark.parametrize("more", KEY_ELSEWHERE.values(), ids=KEY_ELSEWHERE)
def test_a03_a_key_anywhere_but_in_its_header_is_none(gateway: Serving, more: dict[str, Any]) -> None:
    with gateway.client(None) as client:
        for path in ("/v1/models", "/admin/v1/status"):
            assert client.get(path, **more).status_code == 401


def test_a10_a11_what_a_key_may_not_use_is_told_as_if_it_did_not_exist(tmp_path: Path) -> None:
    with Wire() as wire:
        other = f"  - {{name: other, digest: '{digest_of('th-CANARY-o')}', models: ['p1/gpt-4o']}}\n"
        with (
            serving(a_config(wire.url, wire.url) + other, tmp_path) as gateway,
            gateway.client("th-CANARY-o") as client,
        ):
            messages = [{"role": "user", "content": "x"}]
            ask = {"messages": messages}
            assert client.post("/v1/chat/completions", json=ask | {"model": "p1/gpt-4o"}).status_code == 200
            hidden = client.post("/v1/chat/completions", json=ask | {"model": "p2/gpt-4o"})
            absent = client.post("/v1/chat/completions", json=ask | {"model": "p9/gpt-4o"})
            assert hidden.status_code == absent.status_code == 404
            assert hidden.json()["error"]["message"].replace("p2/", "p9/") == absent.json()["error"]["message"]
            assert client.get("/v1/models/p2/gpt-4o").status_code == 404
            assert "p2" not in client.get("/v1/models").text
