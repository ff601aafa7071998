# ruff: noqa: E501
"""From a declaration to what runs: frozen, precomputed, in slices."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from gateway.config.compile import compile_snapshot, drive
from gateway.config.load import decode_loading, load
from gateway.domain.snapshot import Snapshot
from gateway.domain.table import Plain, Split, Tier
from gateway.secret import Secret
from tests.config.worlds import TODAY, a_world, completed, loaded, snapshot_of, written

ROOT = Path(__file__).parent.parent.parent


def test_a_snapshot_is_frozen_through_and_through(tmp_path: Path) -> None:
    def walk(value: Any, path: str) -> None:
        assert not isinstance(value, list | set | bytearray), path
        if isinstance(value, Mapping):
            assert isinstance(value, MappingProxyType), path
            for name, child in value.items():
                walk(child, f"{path}.{name}")
        elif isinstance(value, msgspec.Struct):
            assert value.__struct_config__.frozen, path
            for name in value.__struct_fields__:
                walk(getattr(value, name), f"{path}.{name}")
        elif isinstance(value, tuple):
            for child in value:
                walk(child, path)

    walk(snapshot_of(tmp_path, completed("aliases: {a: m}\nfallbacks: {m: [n]}\n")), "snapshot")


def test_offers_are_found_by_model_and_by_upstream_id(tmp_path: Path) -> None:
    table = snapshot_of(tmp_path, completed("")).table
    assert table.offers["q/n"] is table.offers["q/n-1"] is table.models["n"].offers[0]
    assert set(table.offers) == {"p/m", "q/n", "q/n-1", "p/o"}


def test_a_model_name_wins_over_the_upstream_id_of_another(tmp_path: Path) -> None:
    text = completed(
        "models:\n  a: {max_output_tokens: 1, offers: [{provider: p, id: b, unpriced: true}]}\n"
        "  b: {max_output_tokens: 1, offers: [{provider: p, id: c, unpriced: true}]}\n"
    )
    assert snapshot_of(tmp_path, text).table.offers["p/b"].model == "b"


def test_offers_are_ordered_by_list_price_then_name_and_unpriced_last(tmp_path: Path) -> None:
    text = completed(
        "models:\n"
        "  a: {max_output_tokens: 1, offers: [{provider: p, unpriced: true}, {provider: q, price: {input: 9, output: 1}}]}\n"
        "  b: {max_output_tokens: 1, offers: [{provider: p, price: {input: 1, output: 9}}, {provider: q, price: {input: 0, output: 1}}]}\n"
        "  c: {enabled: false, max_output_tokens: 1, offers: [{provider: p, price: {input: 0, output: 0}}]}\n"
    )  # fmt: skip
    names = [offer.name for offer in snapshot_of(tmp_path, text).table.cheapest_first]
    assert names == ["p/c", "q/b", "p/b", "q/a", "p/a"]


def test_aliases_mean_what_they_say(tmp_path: Path) -> None:
    aliases = snapshot_of(
        tmp_path,
        completed(
            "aliases: {a: m, b: {split: [{model: m, weight: 2}], sticky_by: round-robin}, c: {tier: [m, n], ordered: true},"
            " d: {model: m, enabled: false}}\n"
        ),
    ).table.aliases
    assert isinstance(aliases["a"].meaning, Plain)
    assert isinstance(aliases["b"].meaning, Split)
    assert aliases["b"].meaning.sticky_by == "round-robin"
    assert isinstance(aliases["c"].meaning, Tier)
    assert aliases["c"].meaning.models == ("m", "n")
    assert not aliases["d"].enabled


PERMITS = [
    ("models: [m]", {"p/m"}),
    ("models: [m, n]", {"p/m", "q/n"}),
    ("models: ['*']", {"p/m", "q/n", "p/o"}),
    ("models: ['p/*']", {"p/m", "p/o"}),
    ("models: ['?']", {"p/m", "q/n", "p/o"}),
    ("models: ['*-1']", {"q/n"}),
    ("models: [q/n-1]", {"q/n"}),
    ("models: [p/m]", {"p/m"}),
    ("models: [both]", {"p/m", "q/n"}),
    ("models: [deep]", {"p/m", "q/n"}),
    ("providers: [p]", {"p/m", "p/o"}),
    ("providers: ['*']", {"p/m", "q/n", "p/o"}),
    ("models: ['*'], providers: [q]", {"q/n"}),
    ("enabled: true", None),
]


@pytest.mark.parametrize(("said", "offers"), PERMITS, ids=[said for said, _ in PERMITS])
def test_a_key_may_use_what_its_lists_leave(said: str, offers: set[str] | None, tmp_path: Path) -> None:
    text = completed(
        f'keys: [{{name: k, digest: "sha256:{"1" * 64}", {said}}}]\naliases: {{both: {{tier: [m, n]}}, deep: both}}\n'
    )
    assert snapshot_of(tmp_path, text).keys["k"].offers == offers


def test_keys_are_found_by_each_of_their_digests(tmp_path: Path) -> None:
    one, two = "1" * 64, "2" * 64
    snapshot = snapshot_of(tmp_path, completed(f'keys: [{{name: k, digest: ["sha256:{one}", "sha256:{two}"]}}]\n'))
    assert snapshot.keys_by_digest[one] is snapshot.keys_by_digest[two] is snapshot.keys["k"]


def test_a_key_stops_working_at_midnight_utc(tmp_path: Path) -> None:
    text = completed(f'keys: [{{name: k, digest: "sha256:{"1" * 64}", expires: 2027-01-01}}]\n')
    assert snapshot_of(tmp_path, text).keys["k"].expires_unix == 1798761600


IDENTITY = (
    ("base_url: 'https://a.example'", "base_url: 'https://b.example'", True),
    ("api_key: '${env:SET}'", "api_key: '${env:OTHER}'", True),
    ("headers: {X-A: a}", "headers: {X-A: b}", True),
    ("options: {project: a}", "options: {project: b}", True),
    ("proxy: 'http://a.example:1'", "proxy: 'http://b.example:1'", True),
    ("tls: {ca_file: /dev/null}", "tls: {}", True),
    ("max_concurrency: 5", "max_concurrency: 6", False),
    ("timeouts: {total: 5m}", "timeouts: {total: 6m}", False),
    ("labels: {a: b}", "labels: {a: c}", False),
    ("enabled: true", "enabled: false", False),
)


@pytest.mark.parametrize(("before", "after", "differs"), IDENTITY, ids=[row[0] for row in IDENTITY])
def test_the_identity_of_a_provider_is_all_that_a_connection_depends_on(
    before: str, after: str, differs: bool, tmp_path: Path
) -> None:
    def identity(said: str) -> str:
        text = completed(f"providers: {{p: {{dialect: openai, {said}}}, q: {{dialect: echo}}}}\n")
        if "tls" in said:
            text = text.replace("/dev/null", __file__)
        world = a_world(env={"SET": "a-key", "OTHER": "b-key"})
        return snapshot_of(tmp_path, text, world).table.providers["p"].identity

    assert (identity(before) != identity(after)) is differs


def test_a_rotated_secret_is_another_identity_and_the_same_digest(tmp_path: Path) -> None:
    text = completed("providers: {p: {dialect: openai, api_key: '${env:SET}'}, q: {dialect: echo}}\n")
    one = snapshot_of(tmp_path, text, a_world(env={"SET": "one"}))
    two = snapshot_of(tmp_path, text, a_world(env={"SET": "two"}))
    assert one.digest == two.digest
    assert one.table.providers["p"].identity != two.table.providers["p"].identity
    assert two.table.providers["p"].api_key == Secret("two")


def test_references_are_put_in_and_defaults_filled(tmp_path: Path) -> None:
    text = completed("providers: {p: {dialect: openai, api_key: 'x-${env:SET}'}, q: {dialect: echo}}\n")
    provider = snapshot_of(tmp_path, text).table.providers["p"]
    assert provider.api_key == Secret("x-value-of-set")
    assert provider.base_url == "https://api.openai.com/v1"


def test_the_data_dir_comes_from_the_file_the_environment_or_the_default(tmp_path: Path) -> None:
    assert snapshot_of(tmp_path, completed("")).storage.data_dir == ".tokenhub"
    there = a_world(env={"TOKENHUB_DATA_DIR": "/there"})
    assert snapshot_of(tmp_path, completed(""), there).storage.data_dir == "/there"
    assert snapshot_of(tmp_path, completed("data_dir: /here\n"), there).storage.data_dir == "/here"


def test_a_configuration_with_errors_cannot_be_compiled(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="errors"):
        drive(compile_snapshot(loaded(tmp_path, "foo: 1\n")))


def test_equal_meaning_becomes_an_equal_snapshot(tmp_path: Path) -> None:
    one = snapshot_of(tmp_path / "1", completed("aliases: {b: n, a: m}\n"))
    two = snapshot_of(tmp_path / "2", completed("# the other way round\naliases: {a: m, b: n}\n"))
    assert one == two


MANY = 10_000


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = ["providers: {p: {dialect: echo}, q: {dialect: echo}}", "models:"]
    for n in range(MANY):
        lines += [
            f"  model-{n}:",
            f"    weight: {n % 10}",
            "    max_output_tokens: 16384",
            "    offers:",
            f"      - {{provider: p, id: up-{n}, price: {{input: {n % 7}.5, output: {n % 11}}}}}",
            f"      - {{provider: q, price: {{input: {n % 5}, output: {n % 13}}}}}",
        ]
    lines += ["keys:"]
    lines += [f'  - {{name: key-{n}, digest: "sha256:{n:064x}", models: [model-{n % 9}*]}}' for n in range(500)]
    return written(tmp_path_factory.mktemp("many"), {"tokenhub.yaml": "\n".join(lines) + "\n"})


def in_child(path: Path, *arguments: str) -> bytes:
    command = [sys.executable, "-m", "gateway.config.child", str(path), "--today", TODAY.isoformat(), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout


def test_ten_thousand_models_load_in_a_child_and_compile_in_slices(many: Path) -> None:
    sent = in_child(many)
    assert len(sent) < 3_000_000
    loading = decode_loading(sent)
    assert not loading.problems
    slices = compile_snapshot(loading)
    count = 0
    snapshot: Snapshot | None = None
    while snapshot is None:
        try:
            next(slices)
            count += 1
        except StopIteration as done:
            snapshot = done.value
    assert count > 100
    assert len(snapshot.table.models) == MANY
    assert len(snapshot.table.cheapest_first) == 2 * MANY
    prices = [offer.price.input + offer.price.output for offer in snapshot.table.cheapest_first if offer.price]
    assert prices == sorted(prices)


def test_the_child_says_what_load_says(tmp_path: Path) -> None:
    path = written(tmp_path, {"tokenhub.yaml": completed("foo: 1\n")})
    assert decode_loading(in_child(path)).problems == load(path, a_world()).problems
    good = written(tmp_path, {"good.yaml": completed("")})
    assert decode_loading(in_child(good, "--secrets", "skip")).digest == load(good, a_world()).digest


def test_what_the_child_needs_is_light() -> None:
    code = (
        "import sys, gateway.config.child;"
        "print([m for m in ('litestar','jsonschema','click','uvicorn','httpx','asyncio') if m in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    assert output.strip() == "[]"
