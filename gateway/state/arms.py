"""What Thompson sampling has learnt: one arm per offer and input size, taught by every attempt, fading with time.

Fading is lazy: an arm is brought up to date when it is taught or listed, and all of them now and then, so that no arm
in the view is older than a small part of the half-life. The view itself is made when somebody looks: most requests
teach an arm, and few draw one.
"""

from collections.abc import Iterable, Iterator, Mapping, ValuesView
from typing import Any

import msgspec
from msgspec import Struct

from gateway.domain.moment import Arm

ArmName = tuple[str, str]
STALE_AFTER = 1 / 256
"""Share of the half-life after which the whole view is brought up to date."""


class ArmRow(Struct, frozen=True, kw_only=True):
    """One arm as it is listed, saved and loaded."""

    offer: str
    bucket: str
    alpha: float
    beta: float
    rewards: int

    @property
    def mean(self) -> float:
        return self.alpha / (self.alpha + self.beta)


class SavedArms(Struct, frozen=True, kw_only=True):
    """The file: which layout, when, and the arms as they were then."""

    version: int = 1
    unix: float
    arms: tuple[ArmRow, ...]


class Pupil:
    """One arm while it learns."""

    __slots__ = ("alpha", "at", "beta", "lessons", "name", "rewards", "seen", "won")

    def __init__(self, name: ArmName, now: float) -> None:
        self.name = name
        self.alpha = self.beta = 1.0
        self.at = now
        """Up to when it is faded."""
        self.rewards = 0
        self.won = 0.0
        self.lessons = 0
        """Taught here, and not yet told to others: how much was won, in how many."""
        self.seen = True
        """The view shows it as it is."""

    def fade(self, now: float, half_life_s: float) -> bool:
        """True if time has passed."""
        before = self.at
        self.learn(0.0, 0.0, 0, now, half_life_s)
        return before < self.at

    def learn(self, won: float, lost: float, count: int, now: float, half_life_s: float) -> None:
        """So much more, once what was learnt before has faded to what it is worth now."""
        alpha, beta, elapsed_s = self.alpha, self.beta, now - self.at
        if elapsed_s > 0.0:
            self.at = now
            if half_life_s > 0.0:
                kept = 0.5 ** (elapsed_s / half_life_s)
                alpha = 1.0 + (alpha - 1.0) * kept
                beta = 1.0 + (beta - 1.0) * kept
        self.alpha = alpha + won
        self.beta = beta + lost
        self.rewards += count


class View(Mapping[ArmName, Arm]):
    """The arms as they stand; one that did not change stays the same value."""

    def __init__(self) -> None:
        self._arms: dict[ArmName, Arm] = {}
        self._changed: list[Pupil] = []

    def __getitem__(self, name: ArmName) -> Arm:
        return self._now()[name]

    def __iter__(self) -> Iterator[ArmName]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())

    def get(self, name: ArmName, default: Any = None) -> Any:
        return self._now().get(name, default)

    def values(self) -> ValuesView[Arm]:
        return self._now().values()

    def changed(self, pupil: Pupil) -> None:
        pupil.seen = False
        self._changed.append(pupil)

    def forget(self, name: ArmName) -> None:
        self._now().pop(name, None)

    def _now(self) -> dict[ArmName, Arm]:
        arms = self._arms
        if self._changed:
            for pupil in self._changed:
                arms[pupil.name] = Arm(alpha=pupil.alpha, beta=pupil.beta)
                pupil.seen = True
            self._changed.clear()
        return arms


class Arms:
    """One per process. Time is monotonic here, so no jump of the wall clock forgets anything."""

    def __init__(self, half_life_s: float) -> None:
        self._half_life_s = half_life_s
        self._pupils: dict[ArmName, Pupil] = {}
        self._stale_at = float("-inf")
        self.view = View()

    def teach(self, offer: str, bucket: str, reward: float, now: float) -> None:
        """`reward` is 0 to 1; called once an attempt, at once."""
        if not 0.0 <= reward <= 1.0:
            reward = min(max(reward, 0.0), 1.0)
        pupil = self._pupils.get((offer, bucket)) or self._begin((offer, bucket), now)
        pupil.learn(reward, 1.0 - reward, 1, now, self._half_life_s)
        pupil.won += reward
        pupil.lessons += 1
        if pupil.seen:
            self.view.changed(pupil)
        if now >= self._stale_at:
            self.tick(now)

    def tick(self, now: float) -> None:
        if now >= self._stale_at:
            self._stale_at = now + self._half_life_s * STALE_AFTER
            self._fade_all(now)

    def adopt(self, half_life_s: float, offer_names: Iterable[str], now: float) -> None:
        """After a reload: arms survive by the name of their offer."""
        self._fade_all(now)
        self._half_life_s = half_life_s
        self._stale_at = now + half_life_s * STALE_AFTER
        kept = set(offer_names)
        for name in [name for name in self._pupils if name[0] not in kept]:
            self.view.forget(name)
            del self._pupils[name]

    def listing(self, now: float) -> tuple[ArmRow, ...]:
        """Every arm as it stands now, by name."""
        self._fade_all(now)
        return tuple(
            ArmRow(offer=name[0], bucket=name[1], alpha=pupil.alpha, beta=pupil.beta, rewards=pupil.rewards)
            for name, pupil in sorted(self._pupils.items())
        )

    def dump(self, now: float, unix: float) -> bytes:
        return msgspec.json.encode(SavedArms(unix=unix, arms=self.listing(now)))

    def restore(self, saved: SavedArms, now: float, unix: float) -> None:
        """Takes over what was saved, faded by the time that has passed since; a clock set back fades nothing."""
        elapsed_s = max(0.0, unix - saved.unix)
        for row in saved.arms:
            name = (row.offer, row.bucket)
            pupil = self._pupils.get(name) or self._begin(name, now)
            pupil.alpha, pupil.beta, pupil.rewards = row.alpha, row.beta, row.rewards
            pupil.at = -elapsed_s
            pupil.fade(0.0, self._half_life_s)
            pupil.at = now
            if pupil.seen:
                self.view.changed(pupil)

    def take_lessons(self) -> tuple[tuple[str, str, float, int], ...]:
        """What was taught here since the last call (sum of rewards, how many), for those who learn with us."""
        taught = [pupil for pupil in self._pupils.values() if pupil.lessons]
        taken = tuple((*pupil.name, pupil.won, pupil.lessons) for pupil in taught)
        for pupil in taught:
            pupil.won, pupil.lessons = 0.0, 0
        return taken

    def learn_from_others(self, lessons: Iterable[tuple[str, str, float, int]], now: float) -> None:
        for offer, bucket, total, count in lessons:
            if 0 <= total <= count:
                pupil = self._pupils.get((offer, bucket)) or self._begin((offer, bucket), now)
                pupil.learn(total, count - total, count, now, self._half_life_s)
                if pupil.seen:
                    self.view.changed(pupil)

    def _begin(self, name: ArmName, now: float) -> Pupil:
        pupil = self._pupils[name] = Pupil(name, now)
        self.view.changed(pupil)
        return pupil

    def _fade_all(self, now: float) -> None:
        for pupil in self._pupils.values():
            if pupil.fade(now, self._half_life_s) and pupil.seen:
                self.view.changed(pupil)


def read_arms(data: bytes) -> SavedArms:
    """ValueError for anything that is not a file of ours."""
    saved = msgspec.json.decode(data, type=SavedArms)
    if saved.version != 1:
        raise ValueError(f"layout {saved.version} is not known")
    if any(not (1 <= row.alpha < float("inf") and 1 <= row.beta < float("inf")) for row in saved.arms):
        raise ValueError("an arm is out of range")
    return saved
