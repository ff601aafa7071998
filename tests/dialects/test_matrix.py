"""docs/providers.md says what the dialects themselves say."""

from pathlib import Path

from gateway.dialects.matrix import providers_page

PAGE = Path(__file__).parent.parent.parent / "docs" / "providers.md"


def test_the_page_about_providers_is_what_the_dialects_print(update_golden: bool) -> None:
    if update_golden:
        PAGE.write_text(providers_page())
    assert PAGE.read_text() == providers_page(), "run `pytest tests/dialects/test_matrix.py --update-golden`"
