"""The least severe line that is written, changed while the process runs."""

import logging
from typing import Final

import structlog

LEVELS: Final = ("debug", "info", "warning", "error")


def set_log_level(level: str) -> None:
    """Write lines from this severity on; raises ValueError for one that is none.

    Lines of other libraries stay at warning or above, as `configure_logging` has them.
    """
    if level not in LEVELS:
        raise ValueError(f"expected a level among {', '.join(LEVELS)}, found {level!r}")
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(number))
    logging.getLogger().setLevel(max(number, logging.WARNING))
