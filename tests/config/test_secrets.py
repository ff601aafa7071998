# ruff: noqa: E501
"""Credentials stay out of everything that is shown, and in memory only."""

from pathlib import Path

import pytest

from gateway.config.blot import blotted
from gateway.config.compile import compile_snapshot, drive
from gateway.config.diff import changes
from gateway.config.load import Loading, decode_loading, encode_loading
from gateway.config.problem import as_json, as_text
from gateway.config.render import as_json as rendered_json
from gateway.config.render import as_yaml as rendered_yaml
from tests.config.worlds import a_world, completed, loaded

CANARY = "sk-CANARY-0123456789abcdef"


def everything_shown(loading: Loading) -> str:
    shown = [*map(as_text, loading.problems), *map(str, map(as_json, loading.problems)), repr(loading)]
    if loading.declaration is not None and loading.tree is not None:
        shown += [rendered_yaml(loading.tree), rendered_json(loading.tree)]
        snapshot = drive(compile_snapshot(loading))
        shown += [repr(snapshot), str(snapshot), repr(changes(snapshot, snapshot))]
    return "\n".join(shown)


WITH_LITERALS = [
    "providers: {p: {dialect: openai, api_key: CANARY}, q: {dialect: echo}}\n",
    "providers: {p: {dialect: openai, api_key: 'CANARY'}, q: {dialect: gone}}\n",
    "providers: {p: {dialect: openai, apikey: CANARY}, q: {dialect: echo}}\n",
    "providers: {p: {dialect: openai, api_key: '${env:A:-CANARY}', oops: 1}, q: {dialect: echo}}\n",
    "providers: {p: {dialect: openai, api_key: {value: CANARY}}, q: {dialect: echo}}\n",
    "providers: {p: {dialect: openai, api_key: [CANARY]}, q: {dialect: echo}}\n",
    "providers: {p: {dialect: openai, headers: {Authorization: Bearer CANARY}}, q: {dialect: echo}}\n",
    "providers: {p: {dialect: openai, headers: {X-Api-Key: CANARY}, foo: bar}, q: {dialect: echo}}\n",
    "providers:\n  p:\n    dialect: openai\n    api_key: |\n      CANARY\n  q: {dialect: echo}\n",
    'providers:\n  p:\n    dialect: openai\n    api_key: "CANARY\n  q: {dialect: echo}\n',
    "providers:\n  p:\n    dialect: openai\n    api_key: CANARY: x\n  q: {dialect: echo}\n",
    "providers:\n  p:\n    dialect: openai\n\tapi_key: CANARY\n  q: {dialect: echo}\n",
    "state: redis://user:CANARY@redis.example/0\n",
    "ledger: postgresql://user:CANARY@db.example/x\nfoo: 1\n",
    "keys: [{name: k, digest: CANARY}]\n",
    "keys:\n  - name: k\n    digest:\n      - CANARY\n",
    "alerts: {webhook: {url: 'https://x.example', secret: CANARY}}\n",
    "allow_inline_secrets: true\nproviders: {p: {dialect: openai, api_key: CANARY}, q: {dialect: echo}}\n",
    "allow_inline_secrets: true\nstate: redis://user:CANARY@redis.example/0\n",
    "allow_inline_secrets: true\nproviders: {p: {dialect: openai, api_key: k, headers: {X-Api-Key: CANARY}}, q: {dialect: echo}}\n",
    "allow_inline_secrets: true\nproviders: {p: {dialect: openai, api_key: k, proxy: 'http://u:CANARY@proxy.example:80'}, q: {dialect: echo}}\n",
    "allow_inline_secrets: true\nproviders: {p: {dialect: bedrock, options: {region: eu, secret_access_key: CANARY}}, q: {dialect: echo}}\n",
    "allow_inline_secrets: true\nproviders: {p: {dialect: openai, api_key: '${env:UNSET:-CANARY}'}, q: {dialect: echo}}\n",
]  # fmt: skip


@pytest.mark.parametrize("fragment", WITH_LITERALS)
def test_a_secret_that_is_written_out_is_never_shown(fragment: str, tmp_path: Path) -> None:
    assert CANARY not in everything_shown(loaded(tmp_path, completed(fragment.replace("CANARY", CANARY))))


WITH_REFERENCES = [
    "providers: {p: {dialect: openai, api_key: '${env:SECRET}'}, q: {dialect: echo}}\n",
    "providers: {p: {dialect: openai, api_key: '${env:SECRET}', base_url: 'https://${env:SECRET}@x/'}, q: {dialect: echo}}\n",
    "providers: {p: {dialect: openai, api_key: k, base_url: '${env:SECRET}'}, q: {dialect: echo}}\n",
    "providers: {p: {dialect: openai, api_key: '${env:SECRET}', proxy: '${env:SECRET}'}, q: {dialect: echo}}\n",
    "providers: {p: {dialect: openai, api_key: '${env:SECRET}', tls: {ca_file: '${env:SECRET}'}}, q: {dialect: echo}}\n",
    "server: {listen: '${env:SECRET}'}\n",
    "state: '${env:SECRET}'\n",
    "ledger: '${env:SECRET}'\n",
    "state: 'redis://u:${env:SECRET}@redis.example/0'\n",
    "alerts: {webhook: {url: '${env:SECRET}', secret: '${env:SECRET}'}}\n",
]  # fmt: skip


@pytest.mark.parametrize("fragment", WITH_REFERENCES)
def test_the_value_of_a_reference_is_never_shown(fragment: str, tmp_path: Path) -> None:
    world = a_world(env={"SECRET": CANARY})
    loading = loaded(tmp_path, completed(fragment), world)
    assert CANARY not in everything_shown(loading)
    assert CANARY not in str(loading.digest)


def test_values_travel_to_the_parent_in_resolve_mode_only(tmp_path: Path) -> None:
    text = completed(WITH_REFERENCES[0])
    env = {"SECRET": CANARY}
    kept = loaded(tmp_path, text, a_world(env=env, secrets="resolve"))
    assert decode_loading(encode_loading(kept)).secrets == {"${env:SECRET}": CANARY}
    for mode in ("check", "skip"):
        other = loaded(tmp_path, text, a_world(env=env, secrets=mode))
        assert other.declaration is not None
        assert CANARY.encode() not in encode_loading(other)


def test_no_secret_is_needed_where_they_are_skipped(tmp_path: Path) -> None:
    text = completed(WITH_REFERENCES[0])
    assert loaded(tmp_path, text, a_world(env={}, secrets="skip")).declaration is not None
    assert loaded(tmp_path, text, a_world(env={}, secrets="check")).declaration is None


def test_trailing_line_breaks_of_secrets_are_trimmed_and_others_refused(tmp_path: Path) -> None:
    text = completed(WITH_REFERENCES[0])
    assert loaded(tmp_path, text, a_world(env={"SECRET": "abc\r\n"})).secrets == {"${env:SECRET}": "abc"}
    bad = loaded(tmp_path, text, a_world(env={"SECRET": "abc\ndef"}))
    assert [problem.code for problem in bad.problems] == ["TH1307"]
    assert "abc" not in str(bad.problems)


@pytest.mark.parametrize(
    "line", ["monthly_tokens: 500", "api_key: ${env:A}", "digest: sha256:" + "a" * 64, "tokens: 5", "model: gpt-4o"]
)
def test_what_is_no_secret_stays_readable(line: str) -> None:
    assert blotted(line) == line
