"""Every dialect a file may name is spoken by somebody, and nobody speaks for nothing."""

import pytest

from gateway.dialects.base import FEATURES
from gateway.dialects.openai.hosts import HOSTS
from gateway.dialects.openai.quirks import OPTIONS
from gateway.dialects.registry import SPEAKERS, dialect_of
from gateway.domain.dialect_facts import DIALECTS, QUIRKS


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_has_a_speaker(name: str) -> None:
    assert dialect_of(name) is SPEAKERS[DIALECTS[name].speaks]


def test_every_speaker_is_named_by_a_dialect() -> None:
    assert set(SPEAKERS) == {facts.speaks for facts in DIALECTS.values()}


def test_every_row_of_quirks_belongs_to_a_dialect_and_every_host_has_one() -> None:
    assert set(HOSTS) <= set(DIALECTS)
    assert {name for name, facts in DIALECTS.items() if facts.speaks == "openai"} <= set(HOSTS)


def test_every_quirk_a_file_may_set_is_read() -> None:
    assert set(QUIRKS) == set(OPTIONS)


@pytest.mark.parametrize("name", DIALECTS)
def test_a_dialect_speaks_only_of_features_there_are(name: str) -> None:
    support = dialect_of(name).support_of(name)
    assert set(support) <= set(FEATURES)
    assert set(support.values()) <= {"yes", "translated", "refused"}


def test_hosts_of_ones_own_need_no_key_and_may_be_plain_http() -> None:
    for name, facts in DIALECTS.items():
        plain = (facts.base_url or "").startswith("http://127.0.0.1")
        assert plain == facts.local, name
        assert not (facts.local and facts.needs_key), name
