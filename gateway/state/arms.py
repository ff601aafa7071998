"""What Thompson sampling has learnt: one arm per offer and input size, taught by every attempt, fading with time.

Fading is lazy: an arm is brought up to date when it is taught or listed, and all of them now and then, so that no arm
in the view is older than a small part of the half-life.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

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


class Arms:
    """One per process. Time is monotonic here, so no jump of the wall clock forgets anything."""

    def __init__(self, half_life_s: float) -> None:
        self._half_life_s = half_life_s
        self._arms: dict[ArmName, Arm] = {}
        self._rewards: dict[ArmName, int] = {}
        self._at: dict[ArmName, float] = {}
        self._refreshed_at = float("-inf")
        self._lessons: dict[ArmName, tuple[float, int]] = {}
        self.view: Mapping[ArmName, Arm] = MappingProxyType(self._arms)

    def teach(self, offer: str, bucket: str, reward: float, now: float) -> None:
        """`reward` is 0 to 1; called once an attempt, at once."""
        name = (offer, bucket)
        reward = min(max(reward, 0.0), 1.0)
        self._learn(name, reward, 1 - reward, 1, now)
        total, count = self._lessons.get(name, (0.0, 0))
        self._lessons[name] = (total + reward, count + 1)
        self.tick(now)

    def tick(self, now: float) -> None:
        if now - self._refreshed_at >= self._half_life_s * STALE_AFTER:
            self._refreshed_at = now
            for name in self._arms:
                self._fade(name, now)

    def adopt(self, half_life_s: float, offer_names: Iterable[str], now: float) -> None:
        """After a reload: arms survive by the name of their offer."""
        self._refreshed_at = float("-inf")
        self.tick(now)
        self._half_life_s = half_life_s
        kept = set(offer_names)
        for name in [name for name in self._arms if name[0] not in kept]:
            for table in (self._arms, self._rewards, self._at, self._lessons):
                table.pop(name, None)

    def listing(self, now: float) -> tuple[ArmRow, ...]:
        """Every arm as it stands now, by name."""
        for name in self._arms:
            self._fade(name, now)
        return tuple(
            ArmRow(offer=name[0], bucket=name[1], alpha=arm.alpha, beta=arm.beta, rewards=self._rewards[name])
            for name, arm in sorted(self._arms.items())
        )

    def dump(self, now: float, unix: float) -> bytes:
        return msgspec.json.encode(SavedArms(unix=unix, arms=self.listing(now)))

    def restore(self, saved: SavedArms, now: float, unix: float) -> None:
        """Takes over what was saved, faded by the time that has passed since; a clock set back fades nothing."""
        elapsed_s = max(0.0, unix - saved.unix)
        for row in saved.arms:
            name = (row.offer, row.bucket)
            self._arms[name] = fade(Arm(alpha=row.alpha, beta=row.beta), elapsed_s, self._half_life_s)
            self._rewards[name] = row.rewards
            self._at[name] = now

    def take_lessons(self) -> tuple[tuple[str, str, float, int], ...]:
        """What was taught here since the last call (sum of rewards, how many), for those who learn with us."""
        taken = tuple((*name, total, count) for name, (total, count) in self._lessons.items())
        self._lessons.clear()
        return taken

    def learn_from_others(self, lessons: Iterable[tuple[str, str, float, int]], now: float) -> None:
        for offer, bucket, total, count in lessons:
            if 0 <= total <= count:
                self._learn((offer, bucket), total, count - total, count, now)

    def _learn(self, name: ArmName, won: float, lost: float, count: int, now: float) -> None:
        arm = self._fade(name, now)
        self._arms[name] = Arm(alpha=arm.alpha + won, beta=arm.beta + lost)
        self._rewards[name] = self._rewards.get(name, 0) + count

    def _fade(self, name: ArmName, now: float) -> Arm:
        arm = self._arms.get(name)
        if arm is None:
            self._at[name] = now
            return Arm()
        elapsed_s = now - self._at[name]
        if elapsed_s <= 0:
            return arm
        self._at[name] = now
        faded = self._arms[name] = fade(arm, elapsed_s, self._half_life_s)
        return faded


def fade(arm: Arm, elapsed_s: float, half_life_s: float) -> Arm:
    """What was learnt loses half its weight every half-life; what is left in the end is Beta(1, 1)."""
    if elapsed_s <= 0 or half_life_s <= 0:
        return arm
    kept = 0.5 ** (elapsed_s / half_life_s)
    return Arm(alpha=1 + (arm.alpha - 1) * kept, beta=1 + (arm.beta - 1) * kept)


def read_arms(data: bytes) -> SavedArms:
    """ValueError for anything that is not a file of ours."""
    saved = msgspec.json.decode(data, type=SavedArms)
    if saved.version != 1:
        raise ValueError(f"layout {saved.version} is not known")
    if any(not (1 <= row.alpha < float("inf") and 1 <= row.beta < float("inf")) for row in saved.arms):
        raise ValueError("an arm is out of range")
    return saved
