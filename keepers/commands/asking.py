"""Ask a running keeper over its own HTTP, for commands that show how it is."""

import json
import urllib.error
import urllib.request
from typing import Any, Final

from runtime.errors import OperatorError

TIMEOUT_SECONDS: Final = 5.0


def ask_keeper(listen: str, page: str) -> Any:  # noqa: ANN401 - whatever JSON the keeper answers
    """Get a page of the keeper at host:port; raises OperatorError when none answers there."""
    try:
        with urllib.request.urlopen(f"http://{listen}{page}", timeout=TIMEOUT_SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        # /readyz answers 503 with its reasons in the body, an unknown page 404 with a sentence.
        with error:
            return _json_of(error, listen)
    except (OSError, ValueError) as error:
        raise OperatorError(
            f"expected a running keeper at {listen} ([http] listen), but {error}:"
            " start it with `bellkeeper run`, or name the profile that it runs with"
        ) from error


def _json_of(error: urllib.error.HTTPError, listen: str) -> Any:  # noqa: ANN401
    try:
        return json.load(error)
    except ValueError:
        raise OperatorError(
            f"expected a keeper at {listen} ([http] listen) that knows this page, found HTTP"
            f" {error.code}: it may run another duty, or an older version"
        ) from None
