"""The same program with a ledger that keeps nothing: the difference is what keeping it costs."""

from gateway.cli.main import main
from gateway.state.ledger.journal import Journal
from gateway.state.ledger.record import Entry


def keep_nothing(_journal: Journal, _entry: Entry) -> bool:
    return True


if __name__ == "__main__":
    Journal.append = keep_nothing  # type: ignore[method-assign,assignment]
    main()
