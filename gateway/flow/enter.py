"""A caller at the door: their key is looked up, and the snapshot they will see to the end is taken."""

from msgspec import Struct

from gateway.digest import hex_sha256
from gateway.domain.key import Key
from gateway.domain.snapshot import Snapshot
from gateway.domain.visit import Visit
from gateway.errors import RequestError
from gateway.flow.gateway import Gateway
from gateway.flow.last_used import digest_name
from gateway.flow.rights import opens, unknown_key
from gateway.flow.trial import Trial
from gateway.ulid import new_ulid

MAX_TOKEN_BYTES = 512


class Caller(Struct, frozen=True):
    """Who comes, as far as the head of a request says: it can be known once for all requests with this head."""

    token: bytes | None = None
    """None where no credential was sent."""
    digest: str | None = None
    """None where it cannot be a key."""
    client_id: str | None = None
    peer: str = ""


def caller_of(token: bytes | None, *, client_id: str | None = None, peer: str = "") -> Caller:
    return Caller(token, None if token is None else digest_of(token), client_id, peer)


def enter(gateway: Gateway, caller: Caller) -> Visit:
    """Never refuses: without a good key it is a visit without one, so that even a 401 has an id and a digest."""
    live, trial, digest = gateway.live, gateway.canary.trial, caller.digest
    unix = gateway.clock.unix()
    started = gateway.clock.monotonic()
    ulid = new_ulid(unix)
    key = None if digest is None else key_behind(live.current, digest, unix)
    theirs = None if trial is None or key is None or digest is None else tries(trial, key, digest, ulid, unix)
    if theirs is None:
        snapshot = live.enter()
    else:
        snapshot, key = live.enter_candidate(), theirs
    wait_s = None
    if key is not None:
        gateway.last_used[key.name] = unix
        if len(key.digests) > 1 and digest is not None:
            gateway.last_used[digest_name(key.name, digest)] = unix
    elif caller.token is not None:
        wait_s = gateway.strangers.wait_s(caller.peer, started)
    return Visit(snapshot, key, ulid, started, unix, caller.client_id, caller.peer, wait_s)


def tries(trial: Trial, key: Key, digest: str, ulid: str, unix: float) -> Key | None:
    """Their key as the candidate knows it, for those who try the candidate; never one that the candidate refuses."""
    return key_behind(trial.snapshot, digest, unix) if trial.takes(key.name, ulid) else None


def find_key(snapshot: Snapshot, token: bytes, unix: float) -> Key | None:
    """The same work for known and unknown tokens: one digest, one look into a table of digests."""
    digest = digest_of(token)
    return None if digest is None else key_behind(snapshot, digest, unix)


def digest_of(token: bytes) -> str | None:
    """What a key is known by; None for what cannot be one."""
    return hex_sha256(token) if 0 < len(token) <= MAX_TOKEN_BYTES else None


def key_behind(snapshot: Snapshot, digest: str, unix: float) -> Key | None:
    key = snapshot.keys_by_digest.get(digest)
    return key if key is not None and opens(key, unix) else None


def check_key(visit: Visit, token: bytes | None) -> Key:
    if visit.key is not None:
        return visit.key
    if token is None:
        raise RequestError(
            "unauthenticated", "missing_api_key", "Send your key in the header `Authorization: Bearer <key>`."
        )
    if visit.wait_s is not None:
        raise too_many_unknown_keys(visit.wait_s)
    raise unknown_key()


def too_many_unknown_keys(wait_s: float) -> RequestError:
    return RequestError(
        "rate_limited",
        "too_many_unknown_keys",
        "Too many unknown keys came from your address. Check your key, and try again later.",
        retry_after_s=wait_s,
    )
