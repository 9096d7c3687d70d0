"""How each kind of panel is drawn."""

from collections.abc import Mapping
from typing import Any, Final

from deploy.monitoring.dashboards.panels import PLAIN, Kind, Panel, Shape

_LAST: Final = {"calcs": ["lastNotNull"], "fields": "", "values": False}


def options_of(panel: Panel) -> Mapping[str, Any]:
    """Give the options of a panel's kind."""
    match panel.kind:
        case Kind.STAT:
            return {
                "reduceOptions": _LAST,
                "colorMode": "background" if panel.limits != PLAIN or panel.words else "value",
                "graphMode": "none",
                "textMode": "value_and_name" if _has_names(panel) else "value",
                "justifyMode": "auto",
                "orientation": "auto",
            }
        case Kind.BARS:
            return {
                "reduceOptions": _LAST,
                "displayMode": "lcd",
                "orientation": "horizontal",
                "showUnfilled": True,
                "valueMode": "color",
            }
        case Kind.LINES:
            return {
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }
        case Kind.STATES:
            return {
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                "mergeValues": True,
                "showValue": "auto",
                "tooltip": {"mode": "single"},
            }
        case Kind.HEATMAP:
            return _heatmap(panel)
        case Kind.TABLE:
            return {
                "showHeader": True,
                "cellHeight": "sm",
                "footer": {"show": False},
                "sortBy": [{"displayName": column, "desc": False} for column in panel.sorted_by],
            }


def style_of(panel: Panel) -> Mapping[str, Any]:
    """Give the style of a panel's series."""
    match panel.kind:
        case Kind.LINES:
            return {
                "drawStyle": "line",
                "lineWidth": 1,
                "fillOpacity": 30 if panel.is_stacked else 0,
                "showPoints": "never",
                "spanNulls": False,
                "stacking": {"mode": "normal" if panel.is_stacked else "none", "group": "A"},
                "thresholdsStyle": {"mode": "off" if panel.limits == PLAIN else "dashed"},
            }
        case Kind.STATES:
            return {"fillOpacity": 70, "lineWidth": 0}
        case Kind.TABLE:
            return {"cellOptions": {"type": "color-text"}, "filterable": False}
        case _:
            return {}


def _has_names(panel: Panel) -> bool:
    return len(panel.targets) > 1 or "{{" in panel.targets[0].legend


def _heatmap(panel: Panel) -> Mapping[str, Any]:
    """Give a heat map's options: what is coloured, and the scale of the buckets' edges."""
    by_edge = panel.targets[0].shape is Shape.BUCKETS
    # Of a histogram the unit is the edges', and a cell counts; else a cell is worth the unit.
    edge, cell = (panel.unit.value, "short") if by_edge else ("short", panel.unit.value)
    return {
        "calculate": False,
        "cellGap": 1,
        "cellValues": {"unit": cell},
        "color": {
            "mode": "scheme",
            "scheme": "Oranges",
            "scale": "exponential",
            "exponent": 0.5,
            "steps": 64,
        },
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "tooltip": {"mode": "single", "yHistogram": False},
        "yAxis": {"unit": edge, "axisPlacement": "left", "reverse": False},
    }
