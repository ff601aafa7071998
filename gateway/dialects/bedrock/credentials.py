"""Find the keys to sign with, in AWS's order: the file's options, the environment, a web identity, shared files.

Everything it looks at is handed in, so that it can be asked what it would find.
"""

import configparser
from collections.abc import Mapping

from msgspec import Struct

from gateway.dialects.base import Around
from gateway.dialects.bedrock.sigv4 import Keys
from gateway.domain.trail import Failure
from gateway.secret import Secret


class Bearer(Struct, frozen=True):
    """An API key for Bedrock, found in the environment."""

    key: Secret


class Role(Struct, frozen=True, kw_only=True):
    """A role to be taken on at STS, with the proof that we may: an identity token, or keys of our own."""

    arn: str
    session: str
    identity: Secret | None = None
    keys: Keys | None = None


Found = Keys | Bearer | Role | Failure
SESSION = "tokenhub"


def find(options: Mapping[str, Secret], around: Around) -> Found:
    """What there is to sign with, or the reason why there is nothing."""
    said = {name: value.reveal() for name, value in options.items()}
    environment = around.environment
    if keys := _keys(said, "access_key_id", "secret_access_key", "session_token"):
        return _assumed(keys, said)
    if said.get("web_identity_token_file"):
        return _identity(said["web_identity_token_file"], said.get("role_arn"), said.get("role_session_name"), around)
    if not said.get("profile"):
        if bearer := environment.get("AWS_BEARER_TOKEN_BEDROCK"):
            return Bearer(Secret(bearer))
        if keys := _keys(environment, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            return _assumed(keys, said)
        if path := environment.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
            role = said.get("role_arn") or environment.get("AWS_ROLE_ARN")
            return _identity(path, role, environment.get("AWS_ROLE_SESSION_NAME"), around)
    profile = said.get("profile") or environment.get("AWS_PROFILE") or "default"
    return _from_files(profile, said, around)


def _keys(said: Mapping[str, str], key: str, secret: str, session: str) -> Keys | None:
    if not said.get(key) or not said.get(secret):
        return None
    return Keys(access_key_id=said[key], secret_access_key=said[secret], session_token=said.get(session) or None)


def _assumed(keys: Keys, said: Mapping[str, str]) -> Found:
    if not said.get("role_arn"):
        return keys
    return Role(arn=said["role_arn"], session=said.get("role_session_name") or SESSION, keys=keys)


def _identity(path: str, role: str | None, session: str | None, around: Around) -> Found:
    token = around.read(path)
    if not role:
        return missing("A web identity needs a role to take on, and no `role_arn` is given.")
    if not token or not token.strip():
        return missing("The file with the web identity token is missing, empty or unreadable.")
    return Role(arn=role, session=session or SESSION, identity=Secret(token.strip()))


def _from_files(profile: str, said: Mapping[str, str], around: Around) -> Found:
    """The shared credentials file, then the shared config file, where a profile may also name a role."""
    environment = around.environment
    home = environment.get("HOME", "")
    secrets = (
        said.get("credentials_file") or environment.get("AWS_SHARED_CREDENTIALS_FILE") or f"{home}/.aws/credentials"
    )
    settings = environment.get("AWS_CONFIG_FILE") or f"{home}/.aws/config"
    profiles = _sections(around.read(settings), "profile ")
    for name, section in _sections(around.read(secrets), "").items():
        profiles[name] = {**profiles.get(name, {}), **section}
    section = profiles.get(profile, {})
    if keys := _keys(section, *FILE_KEYS):
        return _assumed(keys, said or {})
    role = section.get("role_arn", "")
    if path := section.get("web_identity_token_file"):
        return _identity(path, role, section.get("role_session_name"), around)
    source = _keys(profiles.get(section.get("source_profile", ""), {}), *FILE_KEYS)
    if role and source:
        return Role(arn=role, session=section.get("role_session_name") or SESSION, keys=source)
    return missing(f"No AWS credentials: none in the options or the environment, none for profile `{profile[:60]}`.")


FILE_KEYS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


def _sections(text: str | None, prefix: str) -> dict[str, Mapping[str, str]]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text or "")
    except configparser.Error:
        return {}
    return {name.removeprefix(prefix).strip(): dict(parser.items(name)) for name in parser.sections()}


def missing(why: str) -> Failure:
    """Nothing to sign with: another provider may do better."""
    return Failure(kind="refused", code="upstream_auth", message=why, blame="provider", same_offer=False)
