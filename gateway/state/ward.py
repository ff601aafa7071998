"""The charts of all offers, or of all providers, and the vitals that are read from them when somebody looks."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from gateway.domain.moment import Vitals
from gateway.domain.settings import HealthRules
from gateway.state.chart import Chart


class Ward:
    """Charts by name, and vitals read from them: from those that were touched, or from those that are watched."""

    __slots__ = ("_all", "_resting", "_rules", "_some", "_vitals", "charts", "touched", "watched")

    def __init__(self, rules: HealthRules) -> None:
        self._rules = rules
        self.charts: dict[str, Chart] = {}
        self.touched: set[str] = set()
        """They are read again when somebody looks."""
        self.watched: set[str] = set()
        """Something may stand against them."""
        self._vitals: dict[str, Vitals] = {}
        self._all: Mapping[str, Vitals] = MappingProxyType(self._vitals)
        self._resting: dict[str, Vitals] = {}
        self._some: Mapping[str, Vitals] = MappingProxyType(self._resting)

    def begin(self, name: str) -> Chart:
        """That of the one of this name; a new one if it is not known."""
        chart = self.charts.get(name)
        if chart is None:
            chart = self.charts[name] = Chart(self._rules)
        return chart

    def view(self) -> Mapping[str, Vitals]:
        if self.touched:
            charts, vitals = self.charts, self._vitals
            for name in self.touched:
                chart = charts.get(name)
                if chart is not None and (now := chart.read()) != vitals.get(name):
                    vitals[name] = now  # what is equal stays the same object: whoever compares is done sooner
            self.touched.clear()
        return self._all

    def resting(self, now: float) -> Mapping[str, Vitals]:
        """Of the watched those that something stands against; the others are watched no more."""
        if self.watched:
            for name in tuple(self.watched):
                chart = self.charts.get(name)
                if chart is not None and chart.rests(now):
                    self._resting[name] = chart.read()
                else:
                    self._resting.pop(name, None)
                    self.watched.discard(name)
        return self._some

    def is_well(self, names: frozenset[str], now: float) -> bool:
        """Nothing stands against any of these. Whoever of them was watched for nothing is watched no more."""
        well = True
        for name in self.watched & names:
            chart = self.charts.get(name)
            if chart is not None and chart.rests(now):
                well = False
            else:
                self._resting.pop(name, None)
                self.watched.discard(name)
        return well

    def age(self, now: float) -> None:
        for name, chart in self.charts.items():
            if chart.age(now):
                self.touched.add(name)

    def lend(self, other: "Ward", names: Iterable[str], rules: HealthRules) -> None:
        for name in names:
            chart = self.charts.get(name)
            if chart is not None:
                other.take_over(name, chart.twin(rules))

    def take_over(self, name: str, chart: Chart) -> None:
        self.charts[name] = chart
        self.touched.add(name)

    def adopt(self, rules: HealthRules, names: set[str]) -> None:
        self._rules = rules
        for name in [name for name in self.charts if name not in names]:
            del self.charts[name]
            self._vitals.pop(name, None)
            self.touched.discard(name)
        for name, chart in self.charts.items():
            chart.adopt(rules)
            self.touched.add(name)
