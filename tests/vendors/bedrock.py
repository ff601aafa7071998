"""AWS Bedrock: Converse, its frames, and a signature that is worked out anew."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from tests.dialects.bedrock.frames import event as framed
from tests.dialects.bedrock.frames import exception
from tests.vendors.vendor import Call, Trouble, Vendor, halves
from tests.wire import Scripted, Seen, json_reply

SECRET = "CANARY/secret+access/key"
USAGE = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}
TROUBLES: dict[Trouble, tuple[int, str, str]] = {
    "rate": (429, "ThrottlingException", "Too many requests, please wait before trying again."),
    "overloaded": (503, "ServiceUnavailableException", "Bedrock is unable to process your request."),
    "down": (500, "InternalServerException", "The system encountered an unexpected error."),
    "auth": (403, "UnrecognizedClientException", "The security token included in the request is invalid."),
    "model": (404, "ResourceNotFoundException", "Could not resolve the foundation model"),
    "overflow": (400, "ValidationException", "Input is too long for requested model."),
    "caller": (400, "ValidationException", "messages: text content blocks must be non-empty"),
}


class BedrockVendor(Vendor):
    model = "eu.amazon.nova-v1:0"
    vector_model = "cohere.embed-v4:0"
    env: Mapping[str, str] = {"AWS_ID": "AKIDEXAMPLE", "AWS_SECRET": SECRET}

    def provider(self, url: str) -> str:
        return (
            f'{{dialect: bedrock, base_url: "{url}", allow_private: true, options: {{region: eu-central-1, '
            'access_key_id: "${env:AWS_ID}", secret_access_key: "${env:AWS_SECRET}"}}'
        )

    def check(self, seen: Seen, *, stream: bool = False, vectors: bool = False) -> None:
        model, verb = (self.vector_model, "invoke") if vectors else (self.model, "converse")
        assert (seen.method, seen.target) == ("POST", f"/model/{quote(model)}/{verb}{'-stream' if stream else ''}")
        assert seen.header("authorization") == authorization(seen)

    def results(self, seen: Seen) -> list[tuple[str, str]]:
        blocks = [block for turn in seen.json["messages"] for block in turn["content"]]
        told = [block["toolResult"] for block in blocks if "toolResult" in block]
        return [(each["toolUseId"], each["content"][0]["text"]) for each in told]

    def says(self, text: str) -> Scripted:
        return _reply([{"text": text}], "end_turn")

    def calls(self, *calls: Call) -> Scripted:
        uses = [{"toolUse": {"toolUseId": call.id, "name": call.name, "input": call.arguments}} for call in calls]
        return _reply([{"text": "Let me see."}, *uses], "tool_use")

    def vectors(self, *vectors: Sequence[float]) -> Scripted:
        headers = {"x-amzn-bedrock-input-token-count": "7"}
        return json_reply({"embeddings": {"float": [list(vector) for vector in vectors]}}, headers=headers)

    def refuses(self, trouble: Trouble, wait_s: int | None = None) -> Scripted:
        status, name, message = TROUBLES[trouble]
        headers = {"x-amzn-ErrorType": name} | ({} if wait_s is None else {"Retry-After": str(wait_s)})
        return json_reply({"message": message}, status, headers=headers)

    def head(self) -> list[bytes]:
        return [framed("messageStart", {"role": "assistant"})]

    def words(self, *words: str) -> list[bytes]:
        deltas = [framed("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": word}}) for word in words]
        return [*deltas, framed("contentBlockStop", {"contentBlockIndex": 0})]

    def called(self, *calls: Call) -> list[bytes]:
        told = []
        for index, call in enumerate(calls):
            start = {"toolUse": {"toolUseId": call.id, "name": call.name}}
            told.append(framed("contentBlockStart", {"contentBlockIndex": index, "start": start}))
            for part in halves(json.dumps(call.arguments)):
                delta = {"toolUse": {"input": part}}
                told.append(framed("contentBlockDelta", {"contentBlockIndex": index, "delta": delta}))
            told.append(framed("contentBlockStop", {"contentBlockIndex": index}))
        return told

    def tail(self, *, calls: bool = False) -> list[bytes]:
        stop = {"stopReason": "tool_use" if calls else "end_turn"}
        return [framed("messageStop", stop), framed("metadata", {"usage": USAGE, "metrics": {"latencyMs": 1}})]

    def broken(self, trouble: Trouble) -> bytes:
        _, name, message = TROUBLES[trouble]
        return exception(name[:1].lower() + name[1:], message)

    def rubbish(self) -> bytes:
        """A frame whose checksum is wrong."""
        frame = bytearray(framed("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "?"}}))
        frame[-1] ^= 1
        return bytes(frame)

    def streamed(self, *pieces: bytes, **more: Any) -> Scripted:
        headers = {"Content-Type": "application/vnd.amazon.eventstream"}
        return Scripted(parts=pieces, **({"framing": "chunked", "headers": headers} | more))


def _reply(content: list[dict[str, Any]], stop: str) -> Scripted:
    message = {"role": "assistant", "content": content}
    return json_reply({"output": {"message": message}, "stopReason": stop, "usage": USAGE, "metrics": {"latencyMs": 1}})


def authorization(seen: Seen) -> str:
    """Signature Version 4 of what reached the wire, by AWS's description of it."""
    given = seen.header("authorization") or ""
    names = given.partition("SignedHeaders=")[2].partition(",")[0]
    assert {"host", "x-amz-date"} <= set(names.split(";"))
    stamp = seen.header("x-amz-date") or ""
    headers = "".join(f"{name}:{' '.join((seen.header(name) or '').split())}\n" for name in names.split(";"))
    path = quote(seen.path, safe="/-_.~")  # every service but S3 quotes the quoted path once more
    body = hashlib.sha256(seen.body).hexdigest()
    canonical = f"{seen.method}\n{path}\n{seen.query}\n{headers}\n{names}\n{body}"
    scope = f"{stamp[:8]}/eu-central-1/bedrock/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    return f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders={names}, Signature={signature}"
