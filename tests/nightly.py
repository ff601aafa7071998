"""How much is tried: a little every day, a lot every night (`make nightly`)."""

import os


def often(*, day: int, night: int) -> int:
    return night if os.environ.get("TOKENHUB_NIGHTLY") == "1" else day
