"""A caller at the door: their key is looked up, and the snapshot they will see to the end is taken."""

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


def enter(gateway: Gateway, token: bytes | None, *, client_id: str | None = None, peer: str = "") -> Visit:
    """Never refuses: without a good key it is a visit without one, so that even a 401 has an id and a digest."""
    live, trial = gateway.live, gateway.canary.trial
    unix = gateway.clock.unix()
    started = gateway.clock.monotonic()
    ulid = new_ulid(unix)
    key = None if token is None else find_key(live.current, token, unix)
    theirs = None if trial is None or key is None or token is None else tries(trial, key, token, ulid, unix)
    if theirs is None:
        snapshot = live.enter()
    else:
        snapshot, key = live.enter_candidate(), theirs
    wait_s = None
    if key is not None:
        gateway.last_used[key.name] = unix
        if len(key.digests) > 1 and token is not None:
            gateway.last_used[digest_name(key.name, hex_sha256(token))] = unix
    elif token is not None:
        wait_s = gateway.strangers.wait_s(peer, started)
    return Visit(
        snapshot=snapshot,
        key=key,
        ulid=ulid,
        started=started,
        started_unix=unix,
        client_id=client_id,
        peer=peer,
        wait_s=wait_s,
    )


def tries(trial: Trial, key: Key, token: bytes, ulid: str, unix: float) -> Key | None:
    """Their key as the candidate knows it, for those who try the candidate; never one that the candidate refuses."""
    return find_key(trial.snapshot, token, unix) if trial.takes(key.name, ulid) else None


def find_key(snapshot: Snapshot, token: bytes, unix: float) -> Key | None:
    """The same work for known and unknown tokens: one digest, one look into a table of digests."""
    if not token or len(token) > MAX_TOKEN_BYTES:
        return None
    key = snapshot.keys_by_digest.get(hex_sha256(token))
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
