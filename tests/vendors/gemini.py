"""Google: the Gemini API, and the same models at Vertex AI."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import parse_qs

from tests.vendors.vendor import KEY, Call, Trouble, Vendor, event
from tests.wire import Scripted, Seen, Wire, json_reply

USAGE = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
SIGNATURE = "CvcBAXLI2nxRC3Rlc3Q="
TROUBLES: dict[Trouble, tuple[int, str, str]] = {
    "rate": (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    "money": (429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."),
    "overloaded": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "down": (500, "INTERNAL", "An internal error has occurred."),
    "auth": (403, "PERMISSION_DENIED", "The caller does not have permission"),
    "model": (404, "NOT_FOUND", "models/upstream-model is not found"),
    "overflow": (
        400,
        "INVALID_ARGUMENT",
        "The input token count (20) exceeds the maximum number of tokens (10).",
    ),
    "caller": (400, "INVALID_ARGUMENT", "Invalid value at 'contents'"),
}


class GeminiVendor(Vendor):
    def provider(self, url: str) -> str:
        return super().provider(f"{url}/v1beta")

    def check(self, seen: Seen, *, stream: bool = False, vectors: bool = False) -> None:
        model, verb = (self.vector_model, "batchEmbedContents") if vectors else (self.model, _verb(stream))
        assert (seen.method, seen.target) == ("POST", f"/v1beta/models/{model}:{verb}")
        assert (seen.header("x-goog-api-key"), seen.header("authorization")) == (KEY, None)
        assert KEY not in seen.target

    def results(self, seen: Seen) -> list[tuple[str, str]]:
        parts = [part for turn in seen.json["contents"] for part in turn["parts"]]
        assert next(part for part in parts if "functionCall" in part)["thoughtSignature"] == SIGNATURE
        told = [part["functionResponse"] for part in parts if "functionResponse" in part]
        return [(each["id"], next(iter(each["response"].values()))) for each in told]

    def says(self, text: str) -> Scripted:
        return json_reply(self._reply([{"text": text}], "STOP"))

    def calls(self, *calls: Call) -> Scripted:
        return json_reply(self._reply(_parts(calls), "STOP"))

    def vectors(self, *vectors: Sequence[float]) -> Scripted:
        rows = [{"values": list(vector)} for vector in vectors]
        return json_reply({"embeddings": rows, "usageMetadata": {"promptTokenCount": 7}})

    def refuses(self, trouble: Trouble, wait_s: int | None = None) -> Scripted:
        return json_reply(_error(trouble, wait_s), TROUBLES[trouble][0])

    def error_in_200(self, trouble: Trouble) -> Scripted | None:
        return json_reply(_error(trouble))

    def words(self, *words: str) -> list[bytes]:
        return [event(self._reply([{"text": word}])) for word in words]

    def called(self, *calls: Call) -> list[bytes]:
        return [event(self._reply([part])) for part in _parts(calls)]

    def tail(self, *, calls: bool = False) -> list[bytes]:
        return [event(self._reply([{"text": ""}], "STOP"))]

    def broken(self, trouble: Trouble) -> bytes:
        return event(_error(trouble))

    def _reply(self, parts: list[dict[str, Any]], finish: str | None = None) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
        if finish:
            candidate["finishReason"] = finish
        return {"candidates": [candidate], "usageMetadata": USAGE, "modelVersion": self.model}


class VertexVendor(GeminiVendor):
    """Wants a token, which it gives for an assertion that the service account's key signed."""

    place = "/v1/projects/our-project/locations/europe-west4/publishers/google/models"

    @property
    def env(self) -> Mapping[str, str]:  # type: ignore[override]
        account = {"type": "service_account", "client_email": "robot@our-project.iam", "private_key": private_key()}
        return {"GOOGLE_ACCOUNT": json.dumps(account)}

    def provider(self, url: str) -> str:
        return (
            f'{{dialect: vertex, base_url: "{url}/v1", allow_private: true, options: {{project: our-project, '
            f'location: europe-west4, credentials: "${{env:GOOGLE_ACCOUNT}}", token_url: "{url}/token"}}}}'
        )

    def prepare(self, wire: Wire) -> None:
        wire.script(_token, path="/token", always=True)

    def check(self, seen: Seen, *, stream: bool = False, vectors: bool = False) -> None:
        model, verb = (self.vector_model, "predict") if vectors else (self.model, _verb(stream))
        assert (seen.method, seen.target) == ("POST", f"{self.place}/{model}:{verb}")
        assert seen.header("authorization") == "Bearer ya29.CANARY-token"

    def vectors(self, *vectors: Sequence[float]) -> Scripted:
        rows = [
            {"embeddings": {"values": list(vector), "statistics": {"token_count": 7 / len(vectors)}}}
            for vector in vectors
        ]
        return json_reply({"predictions": rows})


def _token(seen: Seen) -> Scripted:
    form = parse_qs(seen.body.decode())
    signed = form["assertion"][0].count(".") == 2 and form["grant_type"][0].endswith("jwt-bearer")
    granted = {"access_token": "ya29.CANARY-token", "expires_in": 3599}
    return json_reply(granted) if signed else json_reply({"error": "invalid_grant"}, 400)


def _verb(stream: bool) -> str:
    return "streamGenerateContent?alt=sse" if stream else "generateContent"


def _parts(calls: Sequence[Call]) -> list[dict[str, Any]]:
    """The first of several calls carries the signature of the thought that led to them."""
    parts: list[dict[str, Any]] = [
        {"functionCall": {"id": call.id, "name": call.name, "args": call.arguments}} for call in calls
    ]
    parts[0]["thoughtSignature"] = SIGNATURE
    return parts


def _error(trouble: Trouble, wait_s: int | None = None) -> dict[str, Any]:
    code, status, message = TROUBLES[trouble]
    details = (
        [] if wait_s is None else [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{wait_s}s"}]
    )
    return {"error": {"code": code, "message": message, "status": status, "details": details}}


@cache
def private_key() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
