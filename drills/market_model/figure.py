"""A figure that a model is held to: what is published, what the model gives, how far it may be off."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One calibrated figure."""

    what: str
    unit: str
    target: float
    model: float
    low: float
    high: float
    """What is tolerated, in the same unit."""
    source: str

    @property
    def is_met(self) -> bool:
        """Say whether the model is within what is tolerated."""
        return self.low <= self.model <= self.high


def table(figures: list[Figure]) -> str:
    """Write figures as a table in Markdown."""
    lines = [
        "| figure | published | model | tolerated | source |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.what}, {each.unit} | {_text(each.target)} | **{_text(each.model)}** |"
        f" {_text(each.low)} to {_text(each.high)} | {each.source} |"
        for each in figures
    ]
    return "\n".join(lines) + "\n"


def _text(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
