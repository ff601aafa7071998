"""What is recorded can be asked by operators only, in questions that stay questions."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gateway.state.ledger.record import Record
from tests.serving import ADMIN, Serving, a_config, serving
from tests.wire import RESET, Scripted, Wire, openai_chat, openai_error, openai_stream

ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello!"}]}
PAGES = ("usage", "requests", "audit")
HOSTILE = ["' OR '1'='1", "web-app'; DROP TABLE usage; --", "%", "_______", "web-ap%", "*", "\\", "a\x00b", "x" * 5000]


def shipped(gateway: Serving) -> None:
    while gateway.gateway.ledger.lag:
        pass


def test_x08_filters_are_values_never_statements_or_patterns(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway:
        with gateway.client() as caller:
            assert caller.post("/v1/chat/completions", json=ASK).is_success
        shipped(gateway)
        with gateway.client(ADMIN) as client:
            for name in ("key", "model", "provider", "outcome"):
                for value in HOSTILE:
                    answer = client.get("/admin/v1/requests", params={name: value})
                    assert (answer.status_code, answer.json()["data"]) == (200, []), (name, value)
            for name in ("before", "from", "to", "limit", "group_by"):
                for value in HOSTILE:
                    assert client.get("/admin/v1/requests", params={name: value}).status_code in (200, 422)
                    assert client.get("/admin/v1/usage", params={name: value}).status_code in (200, 422)
            assert len(client.get("/admin/v1/requests?key=web-app").json()["data"]) == 1


@pytest.mark.parametrize("page", PAGES)
def test_a18_no_key_reads_what_others_did(tmp_path: Path, page: str) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client() as caller:
        answer = caller.get(f"/admin/v1/{page}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "scope_not_allowed")


def test_a_change_of_the_files_is_audited_whoever_made_it(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway, gateway.client(ADMIN) as client:
        file = tmp_path / "tokenhub.yaml"
        file.write_text(a_config(wire.url, more="aliases: {smart: gpt-4o}\n"))
        gateway.call(gateway.gateway.reloader.reload, "SIGHUP")
        file.write_text("models: [")
        gateway.call(gateway.gateway.reloader.reload, "poll")
        file.write_text(a_config(wire.url))
        assert client.post("/admin/v1/reload").is_success
        shipped(gateway)
        rows = client.get("/admin/v1/audit").json()["data"]
        assert [(row["what"], row["who"]) for row in rows] == [
            ("config.reload", "admin-token"),
            ("config.refused", "files (poll)"),
            ("config.loaded", "files (SIGHUP)"),
        ]
        assert "smart" in rows[2]["after"]
        assert "CANARY" not in str(rows)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Seven requests, the last of them refused by the provider."""
    with Wire() as wire, serving(a_config(wire.url), tmp_path_factory.mktemp("busy")) as gateway:
        with gateway.client() as caller:
            for _ in range(6):
                assert caller.post("/v1/chat/completions", json=ASK).is_success
            wire.script(openai_error(400, None, "no"))
            assert caller.post("/v1/chat/completions", json=ASK).status_code == 400
        shipped(gateway)
        yield gateway


@pytest.fixture
def asking(busy: Serving) -> Iterator[httpx.Client]:
    with busy.client(ADMIN) as client:
        yield client


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 1000])
def test_a_cursor_leads_through_all_rows_once_newest_first(asking: httpx.Client, limit: int) -> None:
    seen: list[str] = []
    before: str | None = None
    while True:
        cursor = {} if before is None else {"before": before}
        page = asking.get("/admin/v1/requests", params={"limit": limit, **cursor}).json()
        seen += [row["id"] for row in page["data"]]
        before = page["next"]
        if before is None:
            break
        assert len(page["data"]) == limit
    assert len(seen) == 7
    assert seen == sorted(set(seen), reverse=True)


def test_a_cursor_goes_on_beside_a_csv_too(asking: httpx.Client) -> None:
    first = asking.get("/admin/v1/requests?limit=5&format=csv")
    second = asking.get(f"/admin/v1/requests?limit=5&format=csv&before={first.headers['x-tokenhub-next']}")
    assert "x-tokenhub-next" not in second.headers
    pages = [list(csv.DictReader(io.StringIO(each.text))) for each in (first, second)]
    assert [len(page) for page in pages] == [5, 2]
    told = [row["id"] for page in pages for row in page]
    assert told == [row["id"] for row in asking.get("/admin/v1/requests").json()["data"]]


def test_json_and_csv_tell_the_same_and_a_page_without_rows_has_its_head(asking: httpx.Client) -> None:
    for path in ("requests", "usage?group_by=key,day", "usage"):
        rows = asking.get(f"/admin/v1/{path}").json()["data"]
        sign = "&" if "?" in path else "?"
        table = list(csv.DictReader(io.StringIO(asking.get(f"/admin/v1/{path}{sign}format=csv").text)))
        assert [list(row) for row in rows] == [list(row) for row in table]
        assert [float(row["cost_usd"]) for row in table] == [row["cost_usd"] for row in rows]
    empty = asking.get("/admin/v1/requests?key=nobody&format=csv")
    assert empty.headers["content-type"] == "text/csv; charset=utf-8"
    assert empty.text.startswith("id,unix,key,endpoint,")
    assert empty.text.count("\n") == 1
    assert asking.get("/admin/v1/requests?format=xml").status_code == 422


SORTS = {
    "input_tokens": {"prompt_tokens": 30},
    "cache_read_tokens": {"prompt_tokens": 30, "prompt_tokens_details": {"cached_tokens": 12}},
    "audio_input_tokens": {"prompt_tokens": 30, "prompt_tokens_details": {"audio_tokens": 12}},
    "output_tokens": {"completion_tokens": 30},
    "reasoning_tokens": {"completion_tokens": 30, "completion_tokens_details": {"reasoning_tokens": 12}},
    "audio_output_tokens": {"completion_tokens": 30, "completion_tokens_details": {"audio_tokens": 12}},
}


def test_tokens_of_each_sort_are_in_their_own_column_of_the_record_and_of_the_sums(tmp_path: Path) -> None:
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway:
        with gateway.client() as caller:
            for usage in SORTS.values():
                wire.script(openai_chat(usage={"prompt_tokens": 0, "completion_tokens": 0} | usage))
                assert caller.post("/v1/chat/completions", json=ASK).is_success
        shipped(gateway)
        with gateway.client(ADMIN) as client:
            rows = client.get("/admin/v1/requests").json()["data"]
            (sums,) = client.get("/admin/v1/usage").json()["data"]
    columns = [name for name in rows[0] if name.endswith("_tokens")]
    told = [{name: row[name] for name in columns if row[name]} for row in reversed(rows)]
    inward, outward = {"input_tokens": 18}, {"output_tokens": 18}
    assert told == [
        {"input_tokens": 30},
        {"cache_read_tokens": 12} | inward,
        {"audio_input_tokens": 12} | inward,
        {"output_tokens": 30},
        {"reasoning_tokens": 12} | outward,
        {"audio_output_tokens": 12} | outward,
    ]
    assert {name: sums[name] for name in columns} == {name: sum(row[name] for row in rows) for name in columns}
    assert sums["tokens"] == 180


def test_what_a_record_holds(asking: httpx.Client) -> None:
    row = asking.get("/admin/v1/requests?outcome=settled").json()["data"][0]
    assert row.keys() == {name.replace("_nano_usd", "_usd") for name in Record.__struct_fields__}
    assert (row["key"], row["endpoint"], row["asked"], row["model"]) == (
        "web-app",
        "chat.completions",
        "gpt-4o",
        "gpt-4o",
    )
    assert (row["provider"], row["attempts"], row["outcome"], row["status"]) == ("p1", 1, "settled", 200)
    assert (row["input_tokens"], row["output_tokens"], row["possibly_billed"]) == (10, 5, False)
    assert row["cost_usd"] == pytest.approx(15e-6)
    assert row["latency_ms"] > 0
    assert row["first_token_ms"] > 0
    assert len(row["config"]) == 12


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ("outcome=settled", 6),
        ("outcome=released", 1),
        ("key=web-app&model=gpt-4o&provider=p1", 6),
        ("provider=p2", 0),
        ("from=2020-01-01", 7),
        ("to=2020-01-01", 0),
        ("from=2020-01-01T00:00:00Z&to=9999-12-31", 7),
        ("from=20200101", 7),
        ("from=0&to=253402300799", 7),
        ("from=9999-12-31", 0),
    ],
)
def test_rows_are_filtered(asking: httpx.Client, asked: str, count: int) -> None:
    assert len(asking.get(f"/admin/v1/requests?{asked}").json()["data"]) == count


LOST = {
    "reset after it was sent": (RESET, False, (True, "released")),
    "half of an answer": (openai_chat(end="reset", cut_after=100), False, (True, "released")),
    "half of a stream": (openai_stream(end="reset", cut_after=600), True, (True, "settled")),
    "a refusal": (openai_error(400, None, "no"), False, (False, "released")),
    "a whole answer": (openai_chat(), False, (False, "settled")),
}


@pytest.mark.parametrize(("reply", "stream", "expected"), LOST.values(), ids=LOST)
def test_where_an_answer_was_lost_the_record_says_that_it_may_be_billed(
    tmp_path: Path, reply: Scripted, stream: bool, expected: tuple[bool, str]
) -> None:
    with Wire() as wire, serving(a_config(wire.url, key="limits: {monthly_usd: 1}"), tmp_path) as gateway:
        wire.script(reply, always=True)
        with gateway.client() as caller:
            caller.post("/v1/chat/completions", json=ASK | {"stream": stream})
        shipped(gateway)
        with gateway.client(ADMIN) as client:
            row = client.get("/admin/v1/requests").json()["data"][0]
            assert (row["possibly_billed"], row["outcome"]) == expected
            spent = client.get("/admin/v1/keys").json()["data"][0]["spent"]["usd"]
            assert spent == row["cost_usd"]
            assert (spent > 0) is (row["outcome"] == "settled")
