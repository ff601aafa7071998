"""Azure OpenAI: OpenAI's words at deployments or at the v1 surface, with a resource's key or an Entra token.

`options: {api_version: 2024-10-21}` calls `/openai/deployments/{id}/…?api-version=…`; without it (or with `v1`) the
deployment's name goes into the body of `/openai/v1/…`. Where there is no `api_key`, a token is fetched for
`tenant_id` and `client_id`, with `client_secret` or with the federated token that AKS mounts; `AZURE_TENANT_ID`,
`AZURE_CLIENT_ID`, `AZURE_FEDERATED_TOKEN_FILE` and `AZURE_AUTHORITY_HOST` stand in for options left out.
"""

from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gateway.dialects.base import NO_PROOF, Around, Proof, Token
from gateway.dialects.failures import clean, read_json
from gateway.dialects.openai.dialect import OpenAI
from gateway.dialects.openai.hosts import quirks_of
from gateway.dialects.openai.quirks import Quirks
from gateway.dialects.openai.request import body_of
from gateway.dialects.openai.route import PATHS, Route, Routes, own_headers
from gateway.domain.ask import Ask
from gateway.domain.call import Call, Reply
from gateway.domain.table import Offer, Provider
from gateway.domain.trail import Failure
from gateway.secret import Secret

AUTHORITY = "https://login.microsoftonline.com"
SCOPE = "https://cognitiveservices.azure.com/.default"
FORM = (("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json"))
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
V1 = frozenset({"", "v1", "preview", "latest"})
STREAM_USAGE_SINCE = "2024-09-01"
OPTION_OF_VARIABLE = {
    "tenant_id": "AZURE_TENANT_ID",
    "client_id": "AZURE_CLIENT_ID",
    "authority": "AZURE_AUTHORITY_HOST",
}


class Azure(OpenAI):
    """OpenAI's models in a customer's own Azure resource."""

    def __init__(self) -> None:
        super().__init__()
        self._routes = Routes(azure_route)

    def request(self, ask: Ask, offer: Offer, provider: Provider, proof: Proof = NO_PROOF) -> Call:
        route = self._routes.of(provider)
        url = route.urls[ask.endpoint].replace("{id}", quote(offer.id, safe=""))
        headers = route.stream if ask.stream else route.whole
        if proof.token is not None:
            headers = (*headers, ("authorization", f"Bearer {proof.token.value.reveal()}"))
        body = body_of(ask, offer.id, route.quirks)
        return Call(url=url, headers=headers, body=body, request_id=ask.request_id)

    def listing(self, provider: Provider, proof: Proof = NO_PROOF) -> Call | None:
        call = super().listing(provider, proof)
        if call is None or proof.token is None:
            return call
        bearer = ("authorization", f"Bearer {proof.token.value.reveal()}")
        return Call(method="GET", url=call.url, headers=(*call.headers, bearer))

    def token_call(self, provider: Provider, around: Around) -> Call | Token | Failure | None:
        if provider.api_key is not None:
            return None
        tenant, client = (_said(provider, around, name) for name in ("tenant_id", "client_id"))
        credential = _credential(provider, around)
        if not tenant or not client or credential is None:
            return _refused("There is neither an api_key nor a tenant_id, client_id and client_secret.", None)
        authority = (_said(provider, around, "authority") or AUTHORITY).rstrip("/")
        scope = provider.options["scope"].reveal() if "scope" in provider.options else SCOPE
        form = {"grant_type": "client_credentials", "client_id": client, "scope": scope, **credential}
        url = f"{authority}/{quote(tenant, safe='')}/oauth2/v2.0/token"
        return Call(url=url, headers=FORM, body=urlencode(form).encode())

    def token_answer(self, reply: Reply, now_unix: float) -> Token | Failure:
        if reply.status >= 500:
            return Failure(
                kind="transient", code="upstream_auth", message="No token could be fetched.", status=reply.status
            )
        try:
            granted = msgspec.json.decode(reply.body, type=Granted)
        except (ValueError, RecursionError):
            said = read_json(reply.body)
            why = clean(said.get("error_description")) if isinstance(said, dict) else ""
            return _refused(why or "The token was refused.", reply.status)
        return Token(value=Secret(granted.access_token), expires_unix=now_unix + granted.expires_in)


class Granted(Struct):
    access_token: str
    expires_in: int


def azure_route(provider: Provider) -> Route:
    """Deployments with a dated `api_version`, the v1 surface without."""
    version = provider.options["api_version"].reveal().strip() if "api_version" in provider.options else ""
    base = provider.base_url.rstrip("/").removesuffix("/v1").removesuffix("/openai") + "/openai"
    if version in V1:
        query = f"?api-version={version}" if version in {"preview", "latest"} else ""
        urls = {endpoint: f"{base}/v1{path}{query}" for endpoint, path in PATHS.items()}
        models = f"{base}/v1/models{query}"
    else:
        query = f"?api-version={quote(version, safe='')}"
        urls = {endpoint: f"{base}/deployments/{{id}}{path}{query}" for endpoint, path in PATHS.items()}
        models = f"{base}/models{query}"
    key = (("api-key", provider.api_key.reveal()),) if provider.api_key else ()
    headers = own_headers(provider, key)
    return Route(
        urls=urls,
        models_url=models,
        whole=(*headers, ("accept", "application/json")),
        stream=(*headers, ("accept", "text/event-stream")),
        quirks=_quirks(provider, version),
    )


def _quirks(provider: Provider, version: str) -> Quirks:
    """Old versions do not know today's fields; what the file says counts more."""
    if version in V1:
        ours: dict[str, object] = {"max_tokens_field": "max_completion_tokens"}
    else:
        ours = {"stream_options": version >= STREAM_USAGE_SINCE}
    unsaid = {name: value for name, value in ours.items() if name not in provider.options}
    return replace(quirks_of(provider), **unsaid)


def _said(provider: Provider, around: Around, option: str) -> str:
    if option in provider.options:
        return provider.options[option].reveal().strip()
    return around.environment.get(OPTION_OF_VARIABLE[option], "").strip()


def _credential(provider: Provider, around: Around) -> dict[str, str] | None:
    if "client_secret" in provider.options:
        return {"client_secret": provider.options["client_secret"].reveal()}
    path = around.environment.get("AZURE_FEDERATED_TOKEN_FILE")
    assertion = around.read(path) if path else None
    if not assertion:
        return None
    return {"client_assertion_type": JWT_BEARER, "client_assertion": assertion.strip()}


def _refused(why: str, status: int | None) -> Failure:
    return Failure(
        kind="refused",
        code="upstream_auth",
        message=why,
        status=status,
        blame="provider",
        same_offer=False,
        cooldown_s=60.0,
    )
