"""The tests of a configuration: which hold, which do not, and what a failure says and where."""

from pathlib import Path

import pytest

from gateway.config.compile import compile_snapshot, drive
from gateway.config.problem import as_text
from gateway.flow.coverage import coverage
from gateway.flow.prove import Proof, problems_of, prove
from gateway.flow.validate import validate
from tests.config.worlds import a_world, loaded, written

UNIX = 1_800_000_000.0

WORLD = f"""
version: 1
defaults: {{max_budget_usd: 1}}
providers:
  one: {{dialect: echo}}
  two: {{dialect: echo}}
  three: {{dialect: echo}}
models:
  big:
    weight: 9
    context_window: 128000
    max_output_tokens: 4096
    capabilities: [chat, tools]
    offers:
      - {{provider: one, id: big-1, price: {{input: 5, output: 10}}}}
      - {{provider: two, price: {{input: 6, output: 12}}}}
  small:
    weight: 3
    context_window: 16000
    max_output_tokens: 4096
    offers: [{{provider: three, price: {{input: 1, output: 2}}}}]
  vectors:
    capabilities: [embeddings]
    offers: [{{provider: one, price: {{input: 1, output: 0}}}}]
aliases:
  smart: big
  best: {{tier: [big, small], ordered: true}}
fallbacks: {{big: [small]}}
wildcard_models: [small, big]
keys:
  - {{name: app, digest: "sha256:{"1" * 64}", models: [small], scopes: [chat], limits: {{request_tokens: 1000}}}}
  - {{name: old, digest: "sha256:{"2" * 64}", expires: 2030-01-01}}
"""

HOLDS = """
{ask: {model: big}, expect: {model: big, provider: one, reason: strategy-cost, then: [small]}}
{ask: {model: big}, expect: {then: [two/big, three/small]}}
{ask: {model: big}, expect: {then: [big, small]}}
{ask: {model: small}, expect: {then: []}}
{ask: {model: smart}, expect: {model: smart}}
{ask: {model: big}, expect: {model: one/big-1}}
{ask: {model: big}, moment: {down: [one]}, expect: {provider: two}}
{ask: {model: big}, moment: {down: [one/big]}, expect: {provider: two}}
{ask: {model: big}, moment: {down: [big]}, expect: {model: small, reason: fallback-1}}
{ask: {model: big}, moment: {rate_limited: [one]}, expect: {provider: two, then: [small, one/big]}}
{ask: {model: big}, moment: {down: [one, two, three]}, expect: {error: no_healthy_provider}}
{ask: {model: big, strategy: latency}, moment: {latency: {one: 2s, two: 200ms}}, expect: {provider: two}}
{ask: {model: big, strategy: availability}, moment: {error_rate: {one/big: 0.5}}, expect: {provider: two}}
{ask: {model: big, fallback: []}, expect: {then: [two/big]}}
{ask: {model: big, key: app}, expect: {error: model_not_found}}
{ask: {model: small, key: app, output_tokens: 10}, expect: {model: small}}
{ask: {model: small, key: app, output_tokens: 2000}, expect: {error: request_tokens}}
{ask: {model: vectors, endpoint: embeddings, key: app}, expect: {error: scope_not_allowed}}
{ask: {model: big, key: old}, moment: {time: "2030-01-01T00:00:00Z"}, expect: {error: invalid_api_key}}
{ask: {model: big, key: old}, moment: {time: "2029-12-31T23:59:59Z"}, expect: {model: big}}
{ask: {model: gone}, expect: {error: model_not_found}}
{ask: {model: "*"}, expect: {reason: wildcard-rank-0, then: [big]}}
{ask: {model: "*", features: [tools]}, expect: {model: big, reason: wildcard-rank-1, refused: {small: features}}}
{ask: {model: "*", input_tokens: 40000}, expect: {model: big, refused: {three/small: window}}}
{ask: {mode: cheap, input_tokens: 500}, expect: {model: small, reason: routed-weight-3}}
{ask: {mode: high_confidence, input_tokens: 500}, expect: {model: big, reason: routed-weight-9}}
{ask: {mode: cheap, min_weight: 5}, expect: {model: big, refused: {small: weight}}}
{ask: {mode: cheap, max_budget_usd: 0.002}, expect: {model: small, refused: {big: budget}, max_cost_usd: 0.002}}
{ask: {mode: cheap, max_budget_usd: 0.0000001}, expect: {error: no_eligible_models, refused: {big: budget}}}
{ask: {mode: cheap, hint: big}, expect: {reason: model-hint}}
{ask: {mode: cheap, hint: smart}, expect: {headers: {x-alias-from: smart, X-Negotiated-Model: big}}}
{ask: {model: small, endpoint: completions}, expect: {error: unsupported_endpoint}}
{ask: {model: big}, expect: {headers: {X-TokenHub-Model: one/big, X-Inferoute-Provider: one}}}
""".strip().splitlines()

FAILS = [
    ("{ask: {model: big}, expect: {model: small}}", "tests[0].expect.model", "expected the model `small`"),
    ("{ask: {model: big}, expect: {provider: two}}", "tests[0].expect.provider", "expected the provider `two`"),
    ("{ask: {model: big}, expect: {reason: pinned}}", "tests[0].expect.reason", "expected the reason `pinned`"),
    ("{ask: {model: big}, expect: {then: [small, big]}}", "tests[0].expect.then[1]", "expected `big` to be tried as"),
    ("{ask: {model: big}, expect: {then: []}}", "tests[0].expect.then", "expected nothing to be tried after it"),
    ("{ask: {model: big}, expect: {error: nope}}", "tests[0].expect.error", "expected the error `nope`, got `one/big`"),
    ("{ask: {model: gone}, expect: {error: nope}}", "tests[0].expect.error", "got `model_not_found`"),
    ("{ask: {model: big, key: app}, expect: {model: big}}", "tests[0].expect.model", "got `model_not_found`"),
    ("{ask: {model: big}, expect: {max_cost_usd: 0}}", "tests[0].expect.max_cost_usd", "expected at most 0 USD"),
    ("{ask: {model: '*'}, expect: {refused: {small: window}}}", "tests[0].expect.refused.small", "is tried"),
    ("{ask: {mode: cheap, min_weight: 5}, expect: {refused: {small: x}}}", "tests[0].expect.refused.small", "weight"),
    ("{ask: {model: big}, expect: {headers: {X-Alias-From: a}}}", "tests[0].expect.headers.X-Alias-From", "got none"),
]  # fmt: skip


def proofs_of(folder: Path, *tests: str) -> tuple[tuple[Proof, ...], list[str], list[str]]:
    lines = "".join(f"  - {{name: test {number}, {test[1:]}\n" for number, test in enumerate(tests))
    loading = loaded(folder, WORLD + "tests:\n" + lines, a_world(secrets="skip"))
    assert loading.declaration is not None, "\n".join(map(as_text, loading.problems))
    snapshot = drive(compile_snapshot(loading))
    proofs = drive(prove(loading.declaration, snapshot, UNIX))
    problems = problems_of(proofs, loading)
    missed = [name for share in vars_of(coverage(snapshot, proofs)) for name in share.missed]
    assert all(problem.excerpt for problem in problems)
    return proofs, [f"{problem.path}: {problem.message}" for problem in problems], missed


def vars_of(found: object) -> list:
    return [getattr(found, name) for name in found.__struct_fields__]


@pytest.mark.parametrize("test", HOLDS)
def test_an_expectation_that_is_met_is_silent(test: str, tmp_path: Path) -> None:
    _, problems, _ = proofs_of(tmp_path, test)
    assert problems == []


@pytest.mark.parametrize(("test", "path", "words"), FAILS)
def test_an_expectation_that_is_not_met_says_what_came_instead(
    test: str, path: str, words: str, tmp_path: Path
) -> None:
    _, problems, _ = proofs_of(tmp_path, test)
    assert len(problems) == 1
    assert problems[0].startswith(f"{path}: test 0: ")
    assert words in problems[0]


TABLE = """tests:
  - name: the big model and its stand-in
    ask: {model: big}
    expect: {model: big}
    cases:
      - {name: all is well, expect: {provider: one}}
      - {name: one is down, moment: {down: [one]}, expect: {provider: two}}
      - {moment: {down: [one, two]}, expect: {model: small}}
      - {name: wrong, moment: {down: [one, two]}}
      - {name: nobody, moment: {down: [one, two, three]}, expect: {error: no_healthy_provider}}
"""


def test_a_table_of_cases_runs_row_by_row_and_points_at_the_row_or_at_what_it_inherits(tmp_path: Path) -> None:
    loading = loaded(tmp_path, WORLD + TABLE, a_world(secrets="skip"))
    assert loading.declaration is not None
    proofs = drive(prove(loading.declaration, drive(compile_snapshot(loading)), UNIX))
    assert [(proof.case, bool(proof.failures)) for proof in proofs] == [
        ("all is well", False),
        ("one is down", False),
        ("3", False),
        ("wrong", True),
        ("nobody", False),
    ]
    (problem,) = problems_of(proofs, loading)
    line = (WORLD + TABLE).splitlines().index("    expect: {model: big}") + 1
    assert (problem.line, problem.column, problem.path) == (line, 21, "tests[0].expect.model")
    assert problem.message.startswith("the big model and its stand-in [wrong]: expected the model `big`, got")
    assert "\n      |                     ^^^" in as_text(problem)


def test_coverage_names_what_no_test_looks_at(tmp_path: Path) -> None:
    _, _, missed = proofs_of(tmp_path, "{ask: {model: smart}, expect: {model: big}}")
    assert missed == [
        "offer one/vectors",
        "offer three/small",
        "offer two/big",
        "alias best",
        "rung 0 (small)",
        "rung 1 (big)",
        "fallback 1 of big (small)",
    ]
    _, _, missed = proofs_of(
        tmp_path,
        "{ask: {model: best}, expect: {then: [two/big]}}",
        "{ask: {model: smart}, moment: {down: [big]}, expect: {model: small}}",
        "{ask: {model: vectors, endpoint: embeddings}, expect: {model: vectors}}",
        "{ask: {model: '*'}, expect: {then: [big]}}",
    )
    assert missed == []


def test_a_report_has_the_problems_of_files_and_tests_together(tmp_path: Path) -> None:
    path = written(tmp_path, {"tokenhub.yaml": WORLD + "tests: [{name: t, ask: {model: big}, expect: {model: small}}]"})
    report = validate(path, a_world(secrets="skip"), UNIX)
    assert report.failed
    assert [problem.code for problem in report.problems if problem.severity == "error"] == ["TH2704"]
