"""The same program with a ledger that keeps nothing: the difference is what keeping it costs."""

from typing import Any

from gateway.cli.main import main
from gateway.state.ledger.board import Board
from gateway.state.ledger.journal import Journal


def keep_nothing(*_: Any) -> int:
    return 0


if __name__ == "__main__":
    Board.enter = keep_nothing  # type: ignore[method-assign,assignment]
    Journal.conclude = keep_nothing  # type: ignore[method-assign,assignment]
    main()
