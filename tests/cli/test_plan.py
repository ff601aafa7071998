# ruff: noqa: E501 (tables)
"""`tokenhub plan`: nothing re-routes where nothing can, and what does is named, exactly."""

import json
import os
import random
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import main

DIGEST = f'"sha256:{"1" * 64}"'

BASE = f"""
version: 1
defaults: {{strategy: cost, mode: normal, max_budget_usd: 0.05}}
providers:
  one: {{dialect: echo}}
  two: {{dialect: echo}}
  three: {{dialect: echo}}
  off: {{dialect: echo, enabled: false}}
models:
  large:
    weight: 8
    context_window: 128000
    max_output_tokens: 4096
    capabilities: [chat, tools]
    offers:
      - {{provider: one, id: large-1, price: {{input: 2, output: 8}}}}
      - {{provider: two, id: large-2, price: {{input: 3, output: 9}}}}
  rival:
    weight: 9
    context_window: 200000
    max_output_tokens: 4096
    capabilities: [chat, tools, vision]
    offers: [{{provider: three, price: {{input: 4, output: 12}}}}]
  small:
    weight: 3
    context_window: 128000
    max_output_tokens: 4096
    capabilities: [chat]
    offers: [{{provider: one, price: {{input: 0.1, output: 0.4}}}}]
  vectors:
    capabilities: [embeddings]
    offers: [{{provider: two, price: {{input: 0.02, output: 0}}}}]
aliases:
  smart: large
  pinned: two/large
  best: {{tier: [rival, large], ordered: true}}
  cheap: {{tier: [small, large]}}
  either: {{split: [{{model: large, weight: 90}}, {{model: rival, weight: 10}}], sticky_by: key}}
fallbacks: {{large: [rival], rival: [small]}}
wildcard_models: [rival, large, small]
routing: {{retries: {{max_attempts: 4}}}}
keys:
  - {{name: app, digest: {DIGEST}, models: [large], limits: {{requests_per_minute: 60}}}}
tests:
  - {{name: a test, ask: {{model: large}}, expect: {{model: large}}}}
"""

HARMLESS = [
    # (old, new); an empty old is added at the end
    ("", "# a comment\n"),
    ("version: 1\n", "version: 1   # the first\n\n"),
    ("  one: {dialect: echo}\n  two: {dialect: echo}\n", "  two: {dialect: echo}\n  one: {dialect: echo}\n"),
    ("  smart: large\n  pinned: two/large\n", "  pinned: two/large\n  smart: large\n"),
    ("{large: [rival], rival: [small]}", "{rival: [small], large: [rival]}"),
    ("    weight: 8\n    context_window: 128000\n", "    context_window: 128000\n    weight: 8\n"),
    ("[chat, tools, vision]", "[vision, chat, tools]"),
    ("      - {provider: one, id: large-1, price: {input: 2, output: 8}}\n      - {provider: two, id: large-2, price: {input: 3, output: 9}}\n",
     "      - {provider: two, id: large-2, price: {input: 3, output: 9}}\n      - {provider: one, id: large-1, price: {input: 2, output: 8}}\n"),
    ("smart: large", "smart: {model: large}"),
    ("smart: large", 'smart: "large"'),
    ("input: 4, output: 12", "input: 4.0, output: 12.0"),
    ("keys:\n", f'keys:\n  - {{name: another, digest: "sha256:{"2" * 64}"}}\n'),
    (DIGEST, f'"sha256:{"3" * 64}"'),
    (f"{{name: app, digest: {DIGEST}", f"{{name: app, enabled: true, digest: {DIGEST}"),
    ("requests_per_minute: 60", "requests_per_minute: 600"),
    ("requests_per_minute: 60", "requests_per_minute: 60, monthly_usd: 500"),
    ("routing:", "server: {max_in_flight: 100}\nrouting:"),
    ("routing:", "records: {keep: 30d}\nrouting:"),
    ("one: {dialect: echo}", "one: {dialect: echo, timeouts: {total: 5m}}"),
    ("one: {dialect: echo}", "one: {dialect: echo, labels: {region: eu}, max_concurrency: 7}"),
    ("id: large-1", "id: large-1-2027"),
    ("max_attempts: 4", "max_attempts: 4, backoff: 200ms"),
    ("{dialect: echo, enabled: false}", "{dialect: echo, enabled: false, max_concurrency: 9}"),
    ("expect: {model: large}", "expect: {provider: one}"),
    ("", "reload: {poll: 9s}\n"),
    ("", "alerts: {shares: [0.5, 0.9]}\n"),
    ("", "ledger_sync: always\n"),
    ("", "data_dir: /var/lib/tokenhub\n"),
    ("", "policies: [{name: at home, aliases: [pinned], require: {}}]\n"),
    ("", "  - {name: another test, ask: {model: smart}, expect: {model: large}}\n"),
    ("routing:", "server: {listen: '0.0.0.0:9000', admin_listen: '127.0.0.1:9001', drain_delay: 1s}\nrouting:"),
    ("routing:", "state: redis://redis:6379/0\nledger: postgresql://db/tokenhub\nrouting:"),
    ("max_budget_usd: 0.05", "max_budget_usd: 0.05, over_limit_status: 402"),
    ("max_attempts: 4", "max_attempts: 4, budget: 0.5"),
    ("routing: {", "routing: {thompson: {half_life: 1h}, health: {open_for: 60s}, "),
    ("{large: [rival], rival: [small]}", "\n  large:\n    - rival\n  rival:\n    - small"),
    ("  one: {dialect: echo}\n  two: {dialect: echo}", "  one: &echo {dialect: echo}\n  two: *echo"),
    ("  small:\n", '  "small":\n'),
    ("weight: 9\n", "weight: 9.0\n    retires_on: 2099-01-01\n"),
    ("  two: {dialect: echo}", "  two: {dialect: echo, headers: {X-Team: routing}}"),
    ("limits: {requests_per_minute: 60}", "limits: {requests_per_minute: 60, concurrency: 5}, expires: 2099-01-01"),
    ("input: 4, output: 12", "input: 4, output: 12, cached_input: 0.4"),
    ("[rival, large, small]", "\n  - rival\n  - large   # the second\n  - small"),
]  # fmt: skip

REROUTES = [
    # (old, new, the asks that go elsewhere)
    ("[rival, large, small]", "[large, rival, small]", {"`*`"}),
    ("[rival, large, small]", "[rival, small, large]", {"`*`"}),
    ("[rival, large, small]", "[rival, large]", {"`*`"}),
    ("[rival, large, small]", "[small]", {"`*`"}),
    ("smart: large", "smart: rival", {"`smart`"}),
    ("smart: large", "smart: {model: large, enabled: false}", {"`smart`"}),
    ("  smart: large\n", "", {"`smart`"}),
    ("pinned: two/large", "pinned: one/large", {"`pinned`"}),
    ("pinned: two/large", "pinned: large", {"`pinned`"}),
    ("[rival, large], ordered: true", "[large, rival], ordered: true", {"`best`"}),
    ("[rival, large], ordered: true", "[rival, large]", {"`best`"}),
    ("[rival, large], ordered: true", "[rival, small], ordered: true", {"`best`"}),
    ("[small, large]}", "[small, large], strategy: latency}", {"`cheap`"}),
    ("[small, large]}", "[large]}", {"`cheap`"}),
    ("weight: 90", "weight: 80", {"`either`"}),
    ("weight: 90}", "weight: 0}", {"`either`"}),
    ("sticky_by: key", "sticky_by: round-robin", {"`either`"}),
    ("{large: [rival], rival: [small]}", "{large: [small], rival: [small]}", {"`large`", "`smart`", "`pinned`", "`either`", "the test `a test`"}),
    ("{large: [rival], rival: [small]}", "{large: [rival]}", {"`rival`", "`either`"}),
    ("{large: [rival], rival: [small]}", "{large: [rival], rival: [small], smart: [small]}", {"`smart`"}),
    ("max_attempts: 4", "max_attempts: 1", None),
    ("strategy: cost", "strategy: latency", None),
    ("mode: normal", "mode: high_confidence", {"`/v1/chat`"}),
    ("max_budget_usd: 0.05", "max_budget_usd: 0.0003", None),
    ("  three: {dialect: echo}", "  three: {dialect: echo, enabled: false}", None),
    ("  two: {dialect: echo}", "  two: {dialect: echo, enabled: false}", None),
    ("weight: 9\n    context_window: 200000", "weight: 9\n    enabled: false\n    context_window: 200000", None),
    ("context_window: 200000", "context_window: 16000", None),
    ("context_window: 200000", "context_window: 400000", None),
    ("weight: 3\n", "weight: 10\n", None),
    ("[chat, tools, vision]", "[chat, tools]", None),
    ("[chat, tools, vision]", "[chat, vision]", None),
    ("capabilities: [chat]", "capabilities: [chat, completions]", {"`small` (completions)", "`cheap` (completions)"}),
    ("input: 2, output: 8", "input: 5, output: 8", None),
    ("input: 4, output: 12", "input: 0.01, output: 0.01", None),
    ("price: {input: 3, output: 9}", "price: {input: 1, output: 1}", None),
    ("provider: three, price: {input: 4", "provider: two, price: {input: 4", None),
    ("strategy: cost", "strategy: availability", None),
    ("id: large-2, price", "id: large-2, weight: 3, price", {"`large`", "`smart`", "`either`", "`*`", "`best`", "`cheap`", "`auto`"}),
    ("models: [large]", "models: [small]", None),
    ("models: [large],", 'models: [large], providers: ["two"],', None),
    (f"digest: {DIGEST}", f"enabled: false, digest: {DIGEST}", None),
    ("limits: {requests_per_minute: 60}", "scopes: [embeddings]", None),
    ("limits: {requests_per_minute: 60}", "limits: {request_tokens: 1}", None),
    ("retries: {max_attempts: 4}", "health: {open_offers: out}, retries: {max_attempts: 4}", None),
    ("retries: {max_attempts: 4}", "modes: {normal: {cost: 0, latency: 0, failure: 0, capability: 1}}, retries: {max_attempts: 4}", {"`/v1/chat`", "`/v1/chat` in mode `normal`"}),
]  # fmt: skip


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["plan", *arguments])


def planned(folder: Path, new: str, *more: str, old: str = BASE) -> dict:
    (folder / "old.yaml").write_text(old)
    (folder / "new.yaml").write_text(new)
    result = run(str(folder / "old.yaml"), str(folder / "new.yaml"), "--format", "json", *more)
    assert result.exit_code in (0, 1), result.output + str(result.exception)
    answer: dict = json.loads(result.stdout)
    return answer


def changed(old: str, new: str) -> str:
    text = BASE.replace(old, new, 1) if old else BASE + new
    assert text != BASE
    return text


@pytest.mark.parametrize(("old", "new"), HARMLESS, ids=range(len(HARMLESS)))
def test_a_change_that_cannot_re_route_re_routes_nothing(old: str, new: str, tmp_path: Path) -> None:
    answer = planned(tmp_path, changed(old, new), "--exit-code")
    assert answer["changes"] == []
    assert answer["gone_names"] == []


@pytest.mark.parametrize(("old", "new", "asks"), REROUTES, ids=range(len(REROUTES)))
def test_a_change_that_re_routes_is_found_and_nothing_else_is_named(
    old: str, new: str, asks: set[str] | None, tmp_path: Path
) -> None:
    answer = planned(tmp_path, changed(old, new))
    found = {change["asks"] for change in answer["changes"]}
    assert found
    if asks is not None:
        assert found == asks


def test_there_are_forty_of_each() -> None:
    assert len(set(HARMLESS)) >= 40
    assert len({(old, new) for old, new, _ in REROUTES}) >= 40


def test_a_removed_model_is_gone_and_a_new_one_is_new(tmp_path: Path) -> None:
    extra = "  extra: {max_output_tokens: 9, context_window: 9000, offers: [{provider: three, price: {input: 90, output: 90}}]}\n"
    answer = planned(tmp_path, changed("  small:\n", extra + "  small:\n"))
    assert answer["new_names"] == ["extra"]
    assert "`extra`" not in {change["asks"] for change in answer["changes"]}
    back = planned(tmp_path, BASE, old=changed("  small:\n", extra + "  small:\n"))
    assert back["gone_names"] == ["extra"]
    assert "`extra`" in {change["asks"] for change in back["changes"]}


def test_prices_keys_and_settings_are_told_apart(tmp_path: Path) -> None:
    text = changed("input: 4, output: 12", "input: 5, output: 12").replace(
        "requests_per_minute: 60", "requests_per_minute: 30"
    )
    answer = planned(tmp_path, text.replace("max_attempts: 4", "max_attempts: 5"))
    assert answer["prices"] == ["offer `three/rival`: price 4/12 -> 5/12"]
    assert answer["keys"] == ["key `app`: requests_per_minute 60 -> 30"]
    assert answer["settings"] == ["setting `routing`: retries changed"]


def test_exit_code_says_whether_anything_moves(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(BASE)
    (tmp_path / "same.yaml").write_text(BASE + "# the same\n")
    (tmp_path / "new.yaml").write_text(changed("smart: large", "smart: rival"))
    old, same, new = (str(tmp_path / name) for name in ("old.yaml", "same.yaml", "new.yaml"))
    assert run(old, same, "--exit-code").exit_code == 0
    assert run(old, new).exit_code == 0
    assert run(old, new, "--exit-code").exit_code == 1
    assert run(old, str(tmp_path / "none.yaml")).exit_code == 2
    (tmp_path / "broken.yaml").write_text("version: 2\n")
    broken = run(old, str(tmp_path / "broken.yaml"))
    assert broken.exit_code == 1
    assert "is not valid: there is nothing to compare" in broken.stderr


TEXT = """\
`smart` re-routes: one/large -> three/rival
    always; $0.005096 -> $0.008144 a request
`smart` re-routes: one/large -> one/small
    with three down; $0.005096 -> $0.000255 a request
everything else:
  alias `smart`: large -> rival
1 ask goes elsewhere ("""


def test_text_is_for_people(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(
        BASE.replace("      - {provider: two, id: large-2, price: {input: 3, output: 9}}\n", "").replace(
            "  pinned: two/large\n", ""
        )
    )
    (tmp_path / "new.yaml").write_text((tmp_path / "old.yaml").read_text().replace("smart: large", "smart: rival"))
    result = run(str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml"))
    assert result.stdout.startswith(TEXT), result.stdout


def a_repository(folder: Path) -> None:
    git(folder, "init", "-q", "-b", "main")
    (folder / "configs/parts").mkdir(parents=True)
    (folder / "configs/tokenhub.yaml").write_text("include: [parts/*.yaml]\n" + BASE)
    (folder / "configs/parts/more.yaml").write_text("aliases: {included: small}\n")
    commit(folder, "the beginning")


def git(folder: Path, *arguments: str) -> str:
    who = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@example.com",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@example.com",
    }
    env = os.environ | who | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *arguments], cwd=folder, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path, subject: str) -> str:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", subject)
    return git(folder, "rev-parse", "HEAD")


MARKDOWN = """\
<!-- tokenhub plan -->
### tokenhub plan: 1 ask goes elsewhere

| Ask | | Before | After | When |
| --- | --- | --- | --- | --- |
| `*` | re-routes | three/rival | one/large | always |
"""


def test_a_pull_request_that_swaps_two_rungs_gets_a_comment_that_names_exactly_what_re_routes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_repository(tmp_path)
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "checkout", "-q", "-b", "swap")
    file = tmp_path / "configs/tokenhub.yaml"
    file.write_text(file.read_text().replace("[rival, large, small]", "[large, rival, small]"))
    commit(tmp_path, "swap two rungs")
    result = run("main:configs", "HEAD:configs", "--format", "markdown", "--exit-code")
    assert result.exit_code == 1
    asks = {line.split(" | ")[0] for line in result.stdout.splitlines() if line.startswith("| `")}
    assert asks == {"| `*`"}
    assert result.stdout.startswith(MARKDOWN), result.stdout
    assert "ladder `*`: rival, large, small -> large, rival, small" in result.stdout
    assert run("main:configs/tokenhub.yaml", "configs", "--format", "markdown").stdout == result.stdout
    assert "included" not in result.stdout
    monkeypatch.chdir(tmp_path / "configs")
    assert run("main:./tokenhub.yaml", "HEAD:./").exit_code == 0


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("nope:configs", "git knows no revision `nope` here"),
        ("--output=x:configs", "git knows no revision"),
        ("main:nowhere", "is not in this repository"),
        ("main:../../etc/passwd", "leads out of the repository"),
        ("nowhere", "it is not REV:path"),
    ],
)
def test_what_git_does_not_have_is_wrong_usage(
    spec: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_repository(tmp_path)
    monkeypatch.chdir(tmp_path)
    result = run("--", spec, "configs")
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())
    assert not (tmp_path / "x").exists()


def test_links_in_a_revision_do_not_lead_out_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "outside.yaml").write_text("aliases: {leaked: small}\n")
    inside = tmp_path / "repository"
    inside.mkdir()
    a_repository(inside)
    (inside / "configs/parts/out.yaml").symlink_to("../../../outside.yaml")
    (inside / "shared.yaml").write_text("aliases: {shared: small}\n")
    (inside / "configs/parts/in.yaml").symlink_to("../../shared.yaml")
    commit(inside, "links")
    monkeypatch.chdir(inside)
    answer = json.loads(run("main~1:configs", "main:configs", "--format", "json").stdout)
    assert answer["new_names"] == ["shared"]


def records(file: Path, count: int, *, asked: str = "smart", **more: object) -> None:
    row = {
        "key": "",
        "endpoint": "chat.completions",
        "asked": asked,
        "reason": "",
        "input_tokens": 1000,
        "output_tokens": 500,
    }
    with file.open("w") as lines:
        for number in range(count):
            lines.write(json.dumps({"id": f"{number:026d}", "unix": 1.8e9 + number * 864.0} | row | more) + "\n")


def test_replayed_traffic_is_counted_and_priced_for_a_month(tmp_path: Path) -> None:
    records(tmp_path / "requests.jsonl", 101)
    answer = planned(tmp_path, changed("smart: large", "smart: rival"), "--replay", str(tmp_path / "requests.jsonl"))
    traffic = answer["traffic"]
    assert (traffic["requests"], traffic["moved"], traffic["refused"], traffic["unreadable"]) == (101, 101, 0, 0)
    assert traffic["span_s"] == 86400
    assert traffic["per_month"] == 30
    assert traffic["cost_before_usd"] == pytest.approx(101 * (1000 * 2 + 500 * 8) / 1e6)
    assert traffic["cost_after_usd"] == pytest.approx(101 * (1000 * 4 + 500 * 12) / 1e6)
    assert traffic["increase"] == pytest.approx(10 / 6 - 1)
    (move,) = traffic["moves"]
    assert (move["asks"], move["before"], move["after"], move["requests"]) == (
        "`smart`",
        "one/large",
        "three/rival",
        101,
    )


def test_a_dearer_month_can_be_refused(tmp_path: Path) -> None:
    records(tmp_path / "requests.jsonl", 10)
    (tmp_path / "old.yaml").write_text(BASE)
    (tmp_path / "new.yaml").write_text(changed("input: 2, output: 8", "input: 2.05, output: 8.2"))
    files = (str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml"), "--replay", str(tmp_path / "requests.jsonl"))
    assert run(*files, "--max-cost-increase", "5%").exit_code == 0
    too_dear = run(*files, "--max-cost-increase", "2%")
    assert too_dear.exit_code == 1
    assert "get dearer by more than 2%" in too_dear.stderr
    assert run(*files[:2], "--max-cost-increase", "2%").exit_code == 2
    assert run(*files, "--max-cost-increase", "much").exit_code == 2
    assert "Cost a month:" in run(*files, "--format", "markdown").stdout
    records(tmp_path / "requests.jsonl", 3)
    assert "Cost of these requests:" in run(*files, "--format", "markdown").stdout


@pytest.mark.parametrize(
    ("row", "change", "move"),
    [
        ({"asked": "*"}, ("[rival, large, small]", "[large, rival, small]"), ("`*`", "three/rival", "one/large")),
        ({"asked": "large", "key": "app"}, ("models: [large]", "models: [small]"), ("`large`", "one/large", "refused (model_not_found)")),
        ({"asked": "large", "key": "app"}, ("  - {name: app, digest: " + DIGEST + ", models: [large], limits: {requests_per_minute: 60}}", f'  - {{name: b, digest: "sha256:{"4" * 64}"}}'), ("`large`", "one/large", "refused (invalid_api_key)")),
        ({"asked": "", "endpoint": "chat"}, ("mode: normal", "mode: high_confidence"), ("`/v1/chat`", "one/small", "three/rival")),
        ({"asked": "", "endpoint": "chat", "mode": "normal", "input_tokens": 500}, ("weight: 3\n", "weight: 0\n"), ("`/v1/chat` in mode `normal`", "one/small", "one/large")),
        ({"asked": "vectors", "endpoint": "embeddings"}, ("provider: two, price: {input: 0.02", "provider: one, price: {input: 0.02"), ("`vectors`", "two/vectors", "one/vectors")),
        ({"asked": "auto", "reason": "auto-availability"}, ("input: 0.1, output: 0.4", "input: 9, output: 9"), None),
        ({"asked": "auto"}, ("input: 0.1, output: 0.4", "input: 9, output: 9"), ("`auto`", "one/small", "one/large")),
        ({"asked": "large", "input_tokens": 300_000}, ("context_window: 128000\n    max_output_tokens: 4096\n    capabilities: [chat, tools]", "context_window: 500000\n    max_output_tokens: 4096\n    capabilities: [chat, tools]"), ("`large`", "three/rival", "one/large")),
    ],
)  # fmt: skip
def test_a_record_is_sent_as_its_request_was(
    row: dict, change: tuple[str, str], move: tuple[str, str, str] | None, tmp_path: Path
) -> None:
    records(tmp_path / "requests.jsonl", 3, **row)
    answer = planned(tmp_path, changed(*change), "--replay", str(tmp_path / "requests.jsonl"))
    moves = [(one["asks"], one["before"], one["after"]) for one in answer["traffic"]["moves"]]
    assert moves == ([move] if move is not None else [])


def test_split_and_rotating_traffic_moves_by_its_shares(tmp_path: Path) -> None:
    records(tmp_path / "requests.jsonl", 400, asked="either")
    text = changed("weight: 90", "weight: 30")
    answer = planned(tmp_path, text, "--replay", str(tmp_path / "requests.jsonl"))
    assert 40 <= answer["traffic"]["moved"] <= 90
    records(tmp_path / "requests.jsonl", 400, asked="large", strategy="round-robin")
    text = changed("id: large-2, price", "id: large-2, weight: 3, price")
    answer = planned(tmp_path, text, "--replay", str(tmp_path / "requests.jsonl"))
    (move,) = answer["traffic"]["moves"]
    assert (move["before"], move["after"], move["requests"]) == ("one/large", "two/large", 100)
    assert answer["traffic"]["moved"] == 100


def test_lines_that_are_no_records_are_counted_and_do_no_harm(tmp_path: Path) -> None:
    records(tmp_path / "requests.jsonl", 2)
    with (tmp_path / "requests.jsonl").open("a") as lines:
        lines.write('\n{"asked": 7}\nnot json\n{"asked": "smart", "something": "else"}')
    answer = planned(tmp_path, BASE + "# same\n", "--replay", str(tmp_path / "requests.jsonl"))
    assert (answer["traffic"]["requests"], answer["traffic"]["unreadable"]) == (3, 2)


def test_memory_does_not_grow_with_the_kinds_of_traffic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.flow.compare.traffic.GROUPS", 3)
    monkeypatch.setattr("gateway.flow.compare.walker.REMEMBERED", 5)
    chance = random.Random(1)
    with (tmp_path / "requests.jsonl").open("w") as lines:
        for number in range(200):
            asked = f"gone-{chance.randrange(100)}" if number % 2 else "smart"
            lines.write(
                json.dumps({"asked": asked, "input_tokens": chance.randrange(10_000), "output_tokens": 1}) + "\n"
            )
    text = changed("smart: large", "smart: rival").replace(
        "either:", "gone-1: rival\n  gone-2: rival\n  gone-3: small\n  gone-4: small\n  either:"
    )
    answer = planned(tmp_path, text, "--replay", str(tmp_path / "requests.jsonl"))
    traffic = answer["traffic"]
    assert len(traffic["moves"]) <= 4
    assert sum(move["requests"] for move in traffic["moves"]) == traffic["moved"] >= 100
