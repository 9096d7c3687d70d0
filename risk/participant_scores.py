"""How far a participant's word is to be trusted: what it foresaw while the market slept.

When the outside price becomes known after a closed session, each participant's last standing mid of
that session is compared with it, relative to the error of the frozen close, which costs nothing:

    D = max(|close − reopening|, ceil(smallest_move · close))
    result = 1 − min(|mid − reopening| / D, 1)
    score' = score + pace · (mean of results − score)
    weight' = weight · (floor + (1 − floor) · score)

A result of 1 foresaw the reopening, 0 was no better than the close. Why so: relative to the close,
because whoever repeats it adds nothing on the days that matter; `smallest_move`, because a ratio to
a move of nothing is noise, and on a quiet weekend a lie must still cost; clamped, because one
disaster says no more than "worthless"; one step a reopening, however many markets, so that a firm
with many markets neither gains nor loses faster; a moving average, because one good guess is luck;
a floor, so that who has learnt can come back. Scores and weights round down: a doubt gives no weight.
What this does not see: a mid that was wrong all weekend and right at its end. The deviation rule and
the median bound what it can do meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from risk.participant_quotes import QuoteVerdict
from risk.units import PPM_SCALE, Ppm, PriceE8, div_ceil, div_floor


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRules:
    """How scores move and what they do. Raises ValueError for shares that are none."""

    start: Ppm = Ppm(500_000)
    """Score of a participant of whom nothing is known."""
    pace: Ppm = Ppm(200_000)
    """Share of the newest reopening in the score; 20 %: four bad ones more than halve it."""
    floor: Ppm = Ppm(100_000)
    """Share of its weight that a participant keeps with a score of 0."""
    smallest_move: Ppm = Ppm(2_000)
    """Move of the price, in ppm of the close, below which the close counts as this far off."""

    def __post_init__(self) -> None:
        shares = (self.start, self.pace, self.floor)
        if not all(0 <= share <= PPM_SCALE for share in shares) or 0 in {self.pace, self.floor}:
            raise ValueError(
                "expected start, pace and floor within 0 to 1_000_000 ppm and the latter two above"
                f" 0, found {self.start}, {self.pace}, {self.floor}"
            )
        if self.smallest_move <= 0:
            raise ValueError(f"expected smallest_move above 0 ppm, found {self.smallest_move}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantScore:
    """What is remembered of one participant."""

    score: Ppm
    reopenings: int = 0
    """Reopenings that went into the score."""
    accepted: int = 0
    rejected: int = 0
    """Quotes that it signed and that were refused for what they said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeseenPrice:
    """What a participant said of one market before its reopening. Prices are 1e-8 USD, positive."""

    mid: PriceE8
    close: PriceE8
    """The last outside price before the session closed."""
    reopening: PriceE8
    """The first outside price after it."""


def fresh_score(rules: ScoreRules) -> ParticipantScore:
    """Give the score of a participant of whom nothing is known."""
    return ParticipantScore(score=rules.start)


def foresight(foreseen: ForeseenPrice, rules: ScoreRules) -> Ppm:
    """Give the result of one market, 0 to 1_000_000, rounded down.

    Raises ValueError for a close or a reopening that is no price.
    """
    if foreseen.close <= 0 or foreseen.reopening <= 0:
        raise ValueError(
            "expected a positive close and reopening price, found"
            f" {foreseen.close} and {foreseen.reopening}"
        )
    move = abs(foreseen.close - foreseen.reopening)
    scale = max(move, div_ceil(foreseen.close * rules.smallest_move, PPM_SCALE))
    error = abs(foreseen.mid - foreseen.reopening)
    return Ppm(max(0, PPM_SCALE - div_ceil(error * PPM_SCALE, scale)))


def after_reopening(
    score: ParticipantScore, foreseen: Sequence[ForeseenPrice], rules: ScoreRules
) -> ParticipantScore:
    """Move a score by all markets of one reopening, in one step; who said nothing keeps its score."""
    if not foreseen:
        return score
    mean = div_floor(sum(foresight(each, rules) for each in foreseen), len(foreseen))
    moved = score.score + div_floor((mean - score.score) * rules.pace, PPM_SCALE)
    return replace(score, score=Ppm(moved), reopenings=score.reopenings + 1)


def after_verdict(score: ParticipantScore, verdict: QuoteVerdict) -> ParticipantScore:
    """Count a quote that the participant did sign."""
    if verdict is QuoteVerdict.ACCEPTED:
        return replace(score, accepted=score.accepted + 1)
    return replace(score, rejected=score.rejected + 1)


def scored_weight(weight: int, score: ParticipantScore, rules: ScoreRules) -> int:
    """Give a weight after its score, in ppm of a weight of 1: only its share of all matters."""
    share = rules.floor + div_floor((PPM_SCALE - rules.floor) * score.score, PPM_SCALE)
    return weight * share
