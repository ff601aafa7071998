"""How fast the gateway is, beside others on this machine: `python -m tests.bench`, prints ratios, fails nothing."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import FIGURES, Effort, Figure
from tests.bench.load import LoadError
from tests.bench.machine import CORES, LOAD_CORE, MissingError, pin
from tests.bench.report import shown, table, write


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--peers", action="store_true", help="also against gateways that others build")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=float, default=3.0, help="of each round")
    arguments.add_argument("--only", action="append", choices=sorted(FIGURES), help="some of the figures")
    arguments.add_argument("--into", type=Path, help="a folder for the JSON and the chart")
    given = arguments.parse_args()
    if len(CORES) < 2:
        sys.exit("two cores are needed: one for who is measured, one for who measures")
    pin(LOAD_CORE)
    effort = Effort(rounds=given.rounds, seconds=given.seconds, peers=given.peers)
    figures = [figure for name in given.only or FIGURES for figure in measured(name, effort)]
    print(f"\n{table(figures)}")
    if given.into is not None:
        write(figures, given.into)


def measured(name: str, effort: Effort) -> Iterator[Figure]:
    """What is not on this machine is said and passed over."""
    try:
        for figure in FIGURES[name](effort):
            print(f"{figure.group}: {figure.name}: {shown(figure)}", file=sys.stderr, flush=True)
            yield figure
    except (MissingError, LoadError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        yield Figure(group=name, name="", why=str(error))


if __name__ == "__main__":
    main()
