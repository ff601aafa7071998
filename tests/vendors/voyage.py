"""Voyage, which only embeds."""

from collections.abc import Sequence

from tests.vendors.vendor import KEY, Trouble, Vendor
from tests.wire import Scripted, Seen, json_reply

TROUBLES: dict[Trouble, tuple[int, str]] = {
    "rate": (429, "You have exceeded the rate limit."),
    "down": (500, "Internal server error."),
    "auth": (401, "Provided API key is invalid."),
    "caller": (400, "The request body is not valid JSON."),
}


class VoyageVendor(Vendor):
    chats = False

    def provider(self, url: str) -> str:
        return super().provider(f"{url}/v1")

    def check(self, seen: Seen, *, stream: bool = False, vectors: bool = False) -> None:
        assert (seen.method, seen.target) == ("POST", "/v1/embeddings")
        assert seen.header("authorization") == f"Bearer {KEY}"
        assert seen.json["model"] == self.vector_model

    def vectors(self, *vectors: Sequence[float]) -> Scripted:
        rows = [{"object": "embedding", "embedding": list(vector), "index": at} for at, vector in enumerate(vectors)]
        return json_reply({"object": "list", "data": rows, "model": self.vector_model, "usage": {"total_tokens": 7}})

    def refuses(self, trouble: Trouble, wait_s: int | None = None) -> Scripted:
        status, message = TROUBLES[trouble]
        headers = {} if wait_s is None else {"Retry-After": str(wait_s)}
        return json_reply({"detail": message}, status, headers=headers)
