"""A gateway runs the tests of a configuration before it accepts it, unless the configuration says otherwise."""

from pathlib import Path

from tests.serving import ADMIN, a_config, serving

HOLDS = "tests: [{name: one model, ask: {model: gpt-4o}, expect: {provider: p1}}]\n"
FAILS = """tests:
  - name: the dear one answers
    ask: {model: gpt-4o}
    expect: {provider: p2}
"""
URLS = ("http://127.0.0.1:9", "http://127.0.0.1:10")


def test_a_reload_whose_tests_fail_is_refused_at_the_place_of_the_expectation(tmp_path: Path) -> None:
    config = tmp_path / "tokenhub.yaml"
    with serving(a_config(*URLS, more=HOLDS), tmp_path) as gateway, gateway.client(ADMIN) as admin:
        before = gateway.gateway.live.current.digest
        text = a_config(*URLS, more=FAILS)
        config.write_text(text)
        answer = admin.post("/admin/v1/reload")
        assert answer.status_code == 422
        (problem,) = [one for one in answer.json()["problems"] if one["severity"] == "error"]
        assert (problem["code"], problem["path"]) == ("TH2704", "tests[0].expect.provider")
        line = text.splitlines().index("    expect: {provider: p2}") + 1
        assert (problem["file"], problem["line"], problem["column"]) == (str(config), line, 24)
        assert "expected the provider `p2`, got `p1/gpt-4o`" in problem["message"]
        assert gateway.gateway.live.current.digest == before

        config.write_text(text + "reload: {run_tests: false}\n")
        assert admin.post("/admin/v1/reload").status_code == 200
        assert gateway.gateway.live.current.digest != before
