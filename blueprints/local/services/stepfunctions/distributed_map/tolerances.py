"""`ToleratedFailureCount` and `ToleratedFailurePercentage`: how many failed items a Map Run accepts."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Self

EXCEEDED = "States.ExceedToleratedFailureThreshold"
EXCEEDED_CAUSE = "The specified tolerated failure threshold was exceeded"


@dataclass(frozen=True)
class Tolerance:
    """The failed items that are tolerated: a number, a share of all items in percent, or both."""

    count: int = 0
    percentage: float = 0.0
    count_is_given: bool = False
    percentage_is_given: bool = False

    def is_exceeded(self, failed: int, total: int) -> bool:
        """Whether so many failed items of a Map Run are too many. If both limits are given, each of them holds."""
        limits = []
        if self.count_is_given:
            limits.append(Fraction(self.count))
        if self.percentage_is_given:
            limits.append(Fraction(str(self.percentage)) * total / 100)
        return failed > min(limits, default=Fraction(0))

    def with_limits(self, count: int | None, percentage: float | None) -> Self:
        """The same with other limits; None leaves a limit as it is."""
        changed = self
        if count is not None:
            changed = replace(changed, count=count, count_is_given=True)
        if percentage is not None:
            changed = replace(changed, percentage=percentage, percentage_is_given=True)
        return changed
