"""The recipe for a new dialect works as it is written: one file, one row, one line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

PARROT = '''"""Speak Parrot: phrases in, one phrase out."""

import msgspec

from gateway.dialects.base import NO_PROOF, Dialect
from gateway.dialects.chunks import chat_answer
from gateway.dialects.failures import Complaint, judge, read_json
from gateway.dialects.translating import TranslatingReader
from gateway.domain.call import Call


class Parrot(Dialect):
    support = {"chat": "translated"}

    def unsayable(self, ask, provider):
        return tuple(name for name in ask.payload if name not in ("model", "messages"))

    def request(self, ask, offer, provider, proof=NO_PROOF):
        phrases = [message["content"] for message in ask.payload["messages"]]
        body = msgspec.json.encode({"bird": offer.id, "phrases": phrases})
        return Call(url=provider.base_url + "/squawk", headers=(), body=body)

    def answer(self, ask, reply, seal):
        if reply.status != 200:
            return self.refusal(reply.status, reply.headers, reply.body)
        said = {"role": "assistant", "content": read_json(reply.body)["squawk"]}
        choice = {"index": 0, "message": said, "logprobs": None, "finish_reason": "stop"}
        return chat_answer(seal, "", [choice], None)

    def refusal(self, status, headers, body):
        return judge(status, headers, Complaint())

    def reader(self, ask, seal):
        return TranslatingReader(seal)
'''
ROW = '        "parrot": _row("parrot", "https://parrot.example", needs_key=False, local=True),\n'
LINE = '        "parrot": Parrot(),\n'
IMPORT = "from gateway.dialects.parrot import Parrot\n"

TRIAL = """
import gateway, pathlib, sys
assert str(pathlib.Path(gateway.__file__).parent.parent) == sys.argv[1], gateway.__file__
from gateway.dialects.matrix import providers_page
from tests.serving import digest_of, serving
from tests.wire import Wire, json_reply

CONFIG = '''
version: 1
providers: {bird: {dialect: parrot, base_url: "%s"}}
models:
  polly: {weight: 1, context_window: 100, max_output_tokens: 10, capabilities: [chat],
    offers: [{provider: bird, id: polly-1, price: {input: 1, output: 1}}]}
keys: [{name: caller, digest: "%s"}]
'''
with Wire() as wire, serving(CONFIG % (wire.url, digest_of()), pathlib.Path(sys.argv[1])) as running:
    wire.script(json_reply({"squawk": "Hello yourself!"}))
    with running.client() as client:
        asked = {"model": "polly", "messages": [{"role": "user", "content": "Hello!"}]}
        answer = client.post("/v1/chat/completions", json=asked)
        refused = client.post("/v1/chat/completions", json=asked | {"seed": 1})
assert answer.json()["choices"][0]["message"]["content"] == "Hello yourself!", answer.text
assert wire.requests[0].json == {"bird": "polly-1", "phrases": ["Hello!"]}
assert (refused.status_code, refused.json()["error"]["param"]) == (422, "seed"), refused.text
assert "`parrot`" in providers_page()
"""


def test_a_new_dialect_takes_one_file_one_row_and_one_line(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "gateway", tmp_path / "gateway", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    package = tmp_path / "gateway"
    (package / "dialects" / "parrot.py").write_text(PARROT)
    put_before(package / "domain" / "dialect_facts.py", '        "echo": _row(', ROW)
    put_before(package / "dialects" / "registry.py", '        "azure": Azure(),\n', LINE)
    put_before(package / "dialects" / "registry.py", "from gateway.dialects.voyage", IMPORT)
    done = subprocess.run(
        [sys.executable, "-c", TRIAL, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
        env=dict(os.environ) | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]


def put_before(path: Path, mark: str, text: str) -> None:
    whole = path.read_text()
    assert whole.count(mark) == 1
    path.write_text(whole.replace(mark, text + mark))
