"""A market's machines after a split or a dividend: they go on where they were, at what prices are worth now."""

from dataclasses import replace

from monitors.breakers.panel_state import MarketPanel
from risk.band_rules import LuldBand, MeanKind
from risk.corporate_prices import Rebase, rebased_band, rebased_edges
from risk.precedence import Standing, Wish
from risk.units import PriceE8


def rebase_panel(panel: MarketPanel, by: Rebase) -> None:
    """Rebase the band machine and every band that is wished for; what cannot be is begun anew.

    What is worth less than the dividend has no price any more: the band machine then starts from the
    market's next price, and a wish loses its band, not its status.
    """
    band = panel.terms.rulebook.band
    # A band without a moving reference keeps no mean: then either kind rebases an empty window.
    kind = band.reference.mean if isinstance(band, LuldBand) else MeanKind.TIME
    if panel.band is not None:
        try:
            panel.band = rebased_band(panel.band, by, kind)
        except ValueError:
            panel.band = None
    panel.standing = Standing(
        wishes={machine: _rebased(wish, by) for machine, wish in panel.standing.wishes.items()}
    )
    panel.stepped_on = None


def rebased_close(price: PriceE8, by: Rebase) -> PriceE8:
    """Rebase a close; 0, which is none, where nothing is left of it."""
    try:
        return by.price(price)
    except ValueError:
        return PriceE8(0)


def _rebased(wish: Wish, by: Rebase) -> Wish:
    if wish.band is None:
        return wish
    try:
        return replace(wish, band=rebased_edges(wish.band, by))
    except ValueError:
        return replace(wish, band=None)
