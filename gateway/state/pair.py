"""An offer and its provider while all goes well: what is the same for both is counted once, and shared out later."""

from gateway.state.chart import Chart


class Pair:
    """Holds while both circuits are closed and no slot of their windows ends. Whoever reads a chart settles it."""

    __slots__ = ("begun", "mine", "offer", "place", "provider", "unsettled", "until", "worked")

    def __init__(self, offer: str, provider: str, mine: Chart, place: Chart) -> None:
        self.offer = offer
        self.provider = provider
        self.mine = mine
        self.place = place
        self.until = min(mine.calm_until, place.calm_until)
        """0 where it does not hold at all."""
        self.begun = 0
        self.worked = 0
        self.unsettled = False

    def settle(self) -> None:
        """Both charts come to what they would be, had each attempt been noted in them at once."""
        self.mine.take(self.begun, self.worked)
        self.place.take(self.begun, self.worked)
        self.begun = self.worked = 0
        self.unsettled = False
