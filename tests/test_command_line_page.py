"""docs/command-line.md says what the command line says, word for word, examples included."""

from pathlib import Path

from tests.manual import EXAMPLES, manual

PAGE = Path(__file__).parent.parent / "docs" / "command-line.md"


def test_the_page_is_what_the_verbs_say(update_golden: bool) -> None:
    page = manual()
    if update_golden:
        PAGE.write_text(page)
    assert PAGE.read_text() == page, "run `make generate` and review the difference"
    for commands in EXAMPLES.values():
        for command in commands:
            answer = page.split(f"$ {command}\n", 1)[1].split("```", 1)[0]
            assert answer.strip(), command
