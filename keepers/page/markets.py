"""The live markets: price, index, band, session, status, and the breaker's sentence."""

from typing import Final

from keepers.page.facts import MarketLine, PageFacts
from keepers.page.figures import cents, price, span
from keepers.page.html import Markup, joined, table, tag
from risk.units import PriceE8, div_floor

HEADINGS: Final = ("Market", "Status", "Session", "Mark", "Index", "Band", "Breaker")
WIDTH: Final = 1_000
MARGIN: Final = 150
"""Of the width, on either side of the band: a price outside stands there."""


def markets_section(facts: PageFacts) -> Markup:
    """Show every market."""
    if not facts.markets:
        return tag("p", "No market is known yet.", class_="none")
    rows = [_row(each, breakers_run=facts.breakers_run) for each in facts.markets]
    note = None
    if not facts.breakers_run:
        note = tag(
            "p", "The duty breaker does not run here: no sentence of it is shown.", class_="none"
        )
    return joined(
        [
            table("Markets as the exchange holds them now, prices in USD", HEADINGS, rows),
            tag(
                "p",
                tag("span", "", class_="key mark"),
                "mark ",
                tag("span", "", class_="key index"),
                "index ",
                tag("span", "", class_="key band"),
                "band",
                class_="keys",
            ),
            note,
        ]
    )


def _row(market: MarketLine, *, breakers_run: bool) -> list[Markup]:
    status = market.status.name.lower()
    wanted = market.wanted_status
    pending = None
    if wanted is not None and wanted != status:
        pending = tag("small", f" to be {_spoken(wanted)}")
    age = f"{span(market.age_seconds)} old"
    age_note = tag("small", f" stale, {age}", class_="bad") if market.is_stale else None
    doubt = None
    if market.doubt and not market.is_stale:
        doubt = tag("small", f" doubted: {market.doubt}", class_="bad")
    sentence = market.breaker or ("no sentence yet" if breakers_run else "–")
    return [
        tag("span", market.symbol, class_="symbol"),
        joined([tag("b", _spoken(status), class_=f"status {status}"), pending]),
        tag("span", market.session.value),
        joined([tag("span", price(market.mark), class_="figure"), age_note, doubt]),
        tag("span", price(market.index), class_="figure"),
        band_bar(market),
        tag("span", sentence, class_="sentence"),
    ]


def band_bar(market: MarketLine) -> Markup:
    """Draw the band with mark and index in it; the numbers stand below."""
    low, high = market.band_low, market.band_high
    if not 0 < low < high:
        return tag("span", "no band", class_="none")

    def place(at: PriceE8) -> int:
        inner = WIDTH - 2 * MARGIN
        return max(8, min(WIDTH - 8, MARGIN + div_floor((at - low) * inner, high - low)))

    mark = place(market.mark)
    share = div_floor((market.mark - low) * 100, high - low)
    drawing = tag(
        "svg",
        tag("rect", x=0, y=9, width=WIDTH, height=4, class_="rail"),
        tag("rect", x=MARGIN, y=6, width=WIDTH - 2 * MARGIN, height=10, class_="band"),
        tag("rect", x=place(market.index) - 8, y=3, width=16, height=16, class_="index"),
        tag("rect", x=mark - 6, y=0, width=12, height=22, class_="mark"),
        viewBox=f"0 0 {WIDTH} 22",
        preserveAspectRatio="none",
        class_="bar",
        role="img",
        aria_label=f"The mark stands at {share} % of the band",
    )
    return tag(
        "span",
        drawing,
        tag("small", f"{cents(low)} – {cents(high)}", class_="figure"),
        class_="banded",
    )


def _spoken(status: str) -> str:
    return status.replace("_", "-")
