"""G2, G3: no key of a caller or a provider, and no admin token, is in any answer, line, metric or file of ours."""

import logging
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from gateway.cli.main import main
from gateway.log import JsonLines, Words
from tests.canaries import MARK, CanaryWatch, check
from tests.faults.world import ALONE, MESSAGES, World
from tests.serving import ADMIN, KEY, a_config, serving
from tests.wire import Wire, openai_error


def test_the_watch_finds_a_secret_in_a_message_and_in_facts() -> None:
    watch = CanaryWatch()
    for line, facts in (("fine", {}), (f"key {KEY}", {}), ("fine", {"authorization": f"Bearer {KEY}"})):
        record = logging.LogRecord("x", logging.INFO, __file__, 1, line, (), None)
        record.facts = facts
        watch.emit(record)
    assert (watch.lines, len(watch.leaks)) == (3, 2)
    with pytest.raises(AssertionError, match="leaked"):
        check([KEY], "a test")


def test_an_exception_is_logged_by_its_type_and_places_and_never_by_its_words() -> None:
    error = ValueError(KEY)
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "it failed", (), (type(error), error, None))
    for form in (JsonLines(), Words()):
        assert MARK not in form.format(record)
        assert "ValueError" in form.format(record)


def test_nothing_that_happens_writes_a_key_anywhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Good, bad and broken calls, reloads and overrides: then every file and every line is searched."""
    with Wire() as wire, serving(a_config(wire.url), tmp_path) as gateway:
        with caplog.at_level("DEBUG"), gateway.client() as client, gateway.client(ADMIN) as admin:
            ask = {"model": "gpt-4o", "messages": MESSAGES}
            said = f"Incorrect API key provided: sk-{MARK}-up, organization org-{MARK}"
            wire.script(openai_error(401, "invalid_api_key", said), openai_error(400, None, said))
            for _ in range(4):
                client.post("/v1/chat/completions", json=ask)
                client.post("/v1/chat/completions", json=ask | {"stream": True})
            httpx.get(gateway.url + "/v1/models", params={"api_key": KEY}, trust_env=False)
            for path in ("status", "keys", "providers", "routes", "audit", "requests", "usage", "config/history"):
                assert admin.get("/admin/v1/" + path).is_success
            admin.post("/admin/v1/reload")
            admin.post("/admin/v1/providers/p1/disable")
            for path in ("/metrics", "/readyz", "/schema", "/nowhere"):
                client.get(path)
    lines = [line for line in caplog.messages if "HTTP Request" not in line]
    check(lines, "the log")
    for file in (tmp_path / "data").rglob("*"):
        if file.is_file():
            assert MARK.encode() not in file.read_bytes(), file


DUMPS = (
    ("render",),
    ("render", "--format", "k8s-configmap"),
    ("validate-config", "--secrets=check"),
    ("validate-config", "--format", "json"),
    ("explain", "--model", "gpt-4o", "--key", "web-app"),
    ("plan", "{config}", "{config}", "--format", "json"),
    ("schema", "--project"),
    ("status",),
    ("status", "--format", "json"),
    ("reload", "--format", "json"),
    ("usage", "--format", "json"),
    ("wildcard", "get"),
    ("requests", "--format", "json"),
    ("audit", "--format", "json"),
)


def test_no_dump_of_any_verb_holds_a_secret(tmp_path: Path) -> None:
    """The secrets are in the environment and in a file, as those who run a gateway have them."""
    (tmp_path / "hook-secret").write_text(f"{MARK}-hook")
    more = f"alerts: {{webhook: {{url: 'http://127.0.0.1:9/x', secret: '${{file:{tmp_path / 'hook-secret'}}}'}}}}\n"
    with Wire() as wire, serving(a_config(wire.url, more=more), tmp_path) as gateway:
        env = {"TOKENHUB_URL": gateway.url, "TOKENHUB_ADMIN_TOKEN": ADMIN, "OPENAI_API_KEY": f"sk-{MARK}-up"}
        for words in DUMPS:
            path = str(tmp_path / "tokenhub.yaml")
            said = [word.format(config=path) for word in words]
            remote = words[0] in ("status", "reload", "usage", "wildcard", "requests", "audit")
            place = [] if remote or words[0] == "plan" else [path]
            result = CliRunner(env=env).invoke(main, [*said, *place])
            assert result.exit_code == 0, (words, result.output)
            check([result.output], " ".join(words))


def test_s23_what_a_provider_says_about_our_key_is_cleaned(world: World) -> None:
    said = f"Incorrect API key provided: sk-{MARK}-upstream-1234567890abcdef. See https://internal.example/keys"
    for status in (400, 401, 403, 404, 422, 429, 500):
        world.fresh()
        world.bad.script(openai_error(status, None, said), always=True)
        for stream in (False, True):
            world.chat("b06-empty-content", stream=stream, headers=ALONE)
