"""Why an operator does something: one line, never empty, for the log and those who come after."""

import re
from typing import Final

from runtime.errors import OperatorError

LONGEST_REASON: Final = 200


def clean_reason(reason: str) -> str:
    """Give the reason as one line that fits; raises OperatorError for one that says nothing."""
    reason = re.sub(r"\s+", " ", reason).strip()[:LONGEST_REASON].strip()
    if not reason:
        raise OperatorError("expected a --reason, found an empty one: say why")
    return reason
