"""How far gaps go: empirical quantiles, and a generalised Pareto tail beyond a threshold.

The tail is fitted by probability-weighted moments (Hosking and Wallis, 1987), in numpy: with the
excesses over the threshold u in rising order, a0 their mean and a1 = mean of (n - j)/(n - 1) x_j,

    shape = 2 - a0 / (a0 - 2 a1)        scale = 2 a0 a1 / (a0 - 2 a1)

so that shape < 1 always and the mean excess exists. A negative shape ends the tail: nothing lies beyond
u - scale / shape. Below the threshold the sample speaks for itself.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from drills.advice.gaps import Floats

FEWEST_EXCESSES: Final = 20
"""Without so many, no tail is fitted."""
TAIL_SHARE: Final = 0.10
"""Share of the losses that lies beyond the threshold: one in ten closures, of some 1,000."""
_ZERO: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """Losses as shares of the close: a sample, and a law beyond its threshold."""

    sorted_losses: Floats
    sums: Floats
    """Sum of the largest losses, from each on."""
    threshold: float
    beyond: float
    """Share of losses above the threshold."""
    shape: float
    scale: float

    def exceeds(self, level: float) -> float:
        """Give the chance that a loss is larger."""
        if level < self.threshold:
            above = len(self.sorted_losses) - np.searchsorted(self.sorted_losses, level, "right")
            return float(above / len(self.sorted_losses))
        return self.beyond * float(self._survives(np.array([level]))[0])

    def quantile(self, chance: float) -> float:
        """Give the loss that is exceeded with this chance."""
        if chance >= self.beyond:
            return float(np.quantile(self.sorted_losses, 1.0 - chance))
        odds = chance / self.beyond
        if abs(self.shape) < _ZERO:
            return self.threshold - self.scale * float(np.log(odds))
        return self.threshold + self.scale / self.shape * float(odds**-self.shape - 1.0)

    def mean_excess(self, levels: Floats) -> Floats:
        """Give the mean of max(0, loss - level) over all losses, for each level of at least 0."""
        capped = np.maximum(levels, self.threshold)
        survives = self._survives(capped)
        mean = (self.scale + self.shape * (capped - self.threshold)) / (1.0 - self.shape)
        in_tail = self.beyond * survives * np.maximum(mean, 0.0)
        in_sample = self._sample_excess(levels) - self._sample_excess(capped)
        both: Floats = np.maximum(in_sample, 0.0) + in_tail
        return both

    def _survives(self, levels: Floats) -> Floats:
        """Give the tail's chance that an excess goes beyond each level, at or above the threshold."""
        excess = (levels - self.threshold) / self.scale
        if abs(self.shape) < _ZERO:
            light: Floats = np.exp(-excess)
            return light
        base = np.maximum(1.0 + self.shape * excess, 0.0)
        with np.errstate(divide="ignore"):
            heavy: Floats = np.where(base > 0, base ** (-1.0 / self.shape), 0.0)
        return heavy

    def _sample_excess(self, levels: Floats) -> Floats:
        first = np.searchsorted(self.sorted_losses, levels, "right")
        count = len(self.sorted_losses) - first
        mean: Floats = (self.sums[first] - count * levels) / len(self.sorted_losses)
        return mean


def fit(losses: Floats, *, tail_share: float = TAIL_SHARE) -> Tail | None:
    """Fit a tail to losses; None where too few lie beyond the threshold, or they are all one."""
    if len(losses) == 0:
        return None
    ordered = np.sort(losses)
    threshold = float(np.quantile(ordered, 1.0 - tail_share))
    excesses = ordered[ordered > threshold] - threshold
    if len(excesses) < FEWEST_EXCESSES:
        return None
    count = len(excesses)
    mean = float(excesses.mean())
    weights = (count - np.arange(1, count + 1)) / (count - 1)
    weighted = float((weights * excesses).mean())
    spread = mean - 2.0 * weighted
    if spread <= 0.0 or weighted <= 0.0:
        return None
    sums = np.append(np.cumsum(ordered[::-1])[::-1], 0.0)
    return Tail(
        sorted_losses=ordered,
        sums=sums,
        threshold=threshold,
        beyond=count / len(ordered),
        shape=2.0 - mean / spread,
        scale=2.0 * mean * weighted / spread,
    )
