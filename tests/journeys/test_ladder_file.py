"""The ladder of `*` in a file of its own: between the override and the configuration, and never half read."""

import json
from pathlib import Path

import pytest

from gateway.config.ladder_file import read_ladder_file
from gateway.flow.first_load import CannotServeError
from tests.serving import ADMIN, a_config, serving

GOOD = {
    "yaml": ("- gpt-4o\n- p1/gpt-4o\n", ("gpt-4o", "p1/gpt-4o")),
    "json": ('["gpt-4o", " b "]', ("gpt-4o", "b")),
    "rows": ('[{"model_id": "gpt-4o"}, "b"]', ("gpt-4o", "b")),
    "a map": ("models: [gpt-4o]", ("gpt-4o",)),
}
BAD = {
    "not yaml": ("[gpt-4o", "TH1101", 1),
    "empty": ("# nothing\n", "TH1006", 1),
    "a word": ("gpt-4o\n", "TH1403", 1),
    "no list": ("models: gpt-4o", "TH1403", 1),
    "no models": ("modles: [gpt-4o]", "TH1403", 1),
    "none": ("[]", "TH1409", 1),
    "too many": (json.dumps([f"m{number}" for number in range(51)]), "TH1409", 1),
    "a star": ("- gpt-4o\n- '*'\n", "TH1406", 2),
    "an empty name": ("- gpt-4o\n- ''\n", "TH1406", 2),
    "a number": ("- gpt-4o\n- 4\n", "TH1406", 2),
    "twice": ("- gpt-4o\n- b\n- gpt-4o\n", "TH2107", 3),
    "not utf-8": (b"- \xff\n", "TH1004", 1),
}


@pytest.mark.parametrize(("text", "models"), GOOD.values(), ids=GOOD)
def test_a_ladder_is_read(tmp_path: Path, text: str, models: tuple[str, ...]) -> None:
    file = tmp_path / "ladder"
    file.write_text(text)
    assert read_ladder_file(file).models == models


@pytest.mark.parametrize(("text", "code", "line"), BAD.values(), ids=BAD)
def test_a_malformed_ladder_stops_the_start_with_its_place(
    tmp_path: Path, text: str | bytes, code: str, line: int
) -> None:
    file = tmp_path / "ladder.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    problem = read_ladder_file(file).problems[0]
    assert (problem.code, problem.line, problem.severity) == (code, line, "error")
    env = {"TOKENHUB_WILDCARD_MODELS_FILE": str(file)}
    with pytest.raises(CannotServeError, match=f"ladder.yaml:{line}:.*{code}"):
        with serving(a_config("http://127.0.0.1:9"), tmp_path, env=env):
            pass


def test_a_missing_ladder_stops_the_start(tmp_path: Path) -> None:
    env = {"TOKENHUB_WILDCARD_MODELS_FILE": str(tmp_path / "none.yaml")}
    with pytest.raises(CannotServeError, match="does not exist"):
        with serving(a_config("http://127.0.0.1:9"), tmp_path, env=env):
            pass


def test_the_file_goes_before_the_configuration_and_follows_its_changes(tmp_path: Path) -> None:
    file = tmp_path / "ladder.yaml"
    file.write_text("[p1/gpt-4o]")
    env = {"TOKENHUB_WILDCARD_MODELS_FILE": str(file)}
    config = a_config("http://127.0.0.1:9", more="wildcard_models: [gpt-4o]\n")
    with serving(config, tmp_path, env=env) as gateway, gateway.client(ADMIN) as client:

        def ladder() -> tuple[list[str], str]:
            told = client.get("/admin/v1/wildcard-models").json()
            return [row["model_id"] for row in told["models"]], told["source"]

        assert ladder() == (["p1/gpt-4o"], "file")
        client.put("/admin/v1/wildcard-models", json=["gpt-4o"])
        assert ladder() == (["gpt-4o"], "api")
        client.delete("/admin/v1/wildcard-models")
        file.write_text("[gpt-4o, p1/gpt-4o]")
        gateway.call(gateway.gateway.ladder_file.look)
        assert ladder() == (["gpt-4o", "p1/gpt-4o"], "file")
        file.write_text("[gpt-4o, '*']")
        gateway.call(gateway.gateway.ladder_file.look)
        assert ladder() == (["gpt-4o", "p1/gpt-4o"], "file"), "a broken file changes nothing"
        assert "wildcard-models-file" in client.get("/readyz").json()["degraded"]
        file.write_text("[gpt-4o]")
        gateway.call(gateway.gateway.ladder_file.look)
        assert ladder() == (["gpt-4o"], "file")
        assert client.get("/readyz").json()["degraded"] == []
