"""Get a token from Google: for a service account, for a person's own login, or from the machine one runs on."""

import binascii
from typing import Any
from urllib.parse import urlencode

import msgspec

from gateway.dialects.base import Around, Token
from gateway.dialects.failures import clean, read_json
from gateway.domain.call import Call, Reply
from gateway.domain.table import Provider
from gateway.domain.trail import Failure
from gateway.secret import Secret

TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address, not a secret
METADATA_URL = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFE_S = 3600
FORM = (("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json"))


def token_call(provider: Provider, around: Around) -> Call | Failure:
    """Credentials of the file, else of the environment, else of the machine."""
    given = provider.options.get("credentials")
    path = around.environment.get("GOOGLE_APPLICATION_CREDENTIALS")
    if given is None and path is None:
        return Call(method="GET", url=METADATA_URL, headers=(("metadata-flavor", "Google"),))
    text = given.reveal() if given is not None else around.read(path or "")
    held = read_json((text or "").encode("utf-8", "replace"))
    if not isinstance(held, dict):
        return denied("The Google credentials are not a JSON object.")
    url = provider.options["token_url"].reveal() if "token_url" in provider.options else TOKEN_URL
    form = _form(held, url, int(around.now_unix))
    return form if isinstance(form, Failure) else Call(url=url, headers=FORM, body=urlencode(form).encode())


def _form(held: dict[str, Any], url: str, now: int) -> dict[str, str] | Failure:
    if held.get("type") == "authorized_user":
        names = ("client_id", "client_secret", "refresh_token")
        return {"grant_type": "refresh_token"} | {name: str(held.get(name, "")) for name in names}
    if held.get("type") != "service_account":
        return denied("Google credentials must be of type service_account or authorized_user.")
    claims = {"iss": held.get("client_email"), "scope": SCOPE, "aud": url, "iat": now, "exp": now + LIFE_S}
    assertion = signed_jwt(claims, str(held.get("private_key", "")), held.get("private_key_id"))
    return assertion if isinstance(assertion, Failure) else {"grant_type": JWT_BEARER, "assertion": assertion}


def signed_jwt(claims: dict[str, Any], private_key: str, key_id: object) -> str | Failure:
    """A JSON Web Token signed with RSA and SHA-256."""
    head = {"alg": "RS256", "typ": "JWT"} | ({"kid": key_id} if isinstance(key_id, str) else {})
    said = f"{_base64url(msgspec.json.encode(head))}.{_base64url(msgspec.json.encode(claims))}"
    signature = _rs256(said.encode(), private_key)
    return signature if isinstance(signature, Failure) else f"{said}.{_base64url(signature)}"


def _base64url(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode().rstrip("=").translate(URL_SAFE)


URL_SAFE = str.maketrans("+/", "-_")


def _rs256(data: bytes, private_key: str) -> bytes | Failure:
    try:
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
        from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415
    except ImportError:
        return denied("Service accounts need the extra `vertex`: pip install 'tokenhub[vertex]'.")
    try:
        key = serialization.load_pem_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return denied("The private key of the Google credentials cannot be read.")
    if not isinstance(key, rsa.RSAPrivateKey):
        return denied("The private key of the Google credentials is not an RSA key.")
    return key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def token_answer(reply: Reply, now_unix: float) -> Token | Failure:
    """The token in an OAuth answer."""
    fields = read_json(reply.body)
    held = fields if isinstance(fields, dict) else {}
    value, life = held.get("access_token"), held.get("expires_in")
    if reply.status == 200 and isinstance(value, str) and value and isinstance(life, int | float) and life > 0:
        return Token(value=Secret(value), expires_unix=now_unix + life)
    why = clean(held.get("error_description")) or clean(held.get("error")) or f"status {reply.status}"
    return denied(f"Google gave no token: {why}")


def denied(why: str) -> Failure:
    """No token: nothing of this provider's can be asked."""
    return Failure(
        kind="refused", code="upstream_auth", message=why, blame="provider", same_offer=False, cooldown_s=60.0
    )
