"""`bellkeeper status`: ask a running keeper, over its own HTTP, how it is."""

import argparse
import json
import urllib.error
import urllib.request
from typing import Any, Final

from keepers.cli import EXIT_CHECK_FAILED, EXIT_GOOD
from keepers.commands.reporting import (
    add_config_argument,
    add_json_argument,
    columns,
    load_config,
    write_report,
)
from runtime.errors import OperatorError

TIMEOUT_SECONDS: Final = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_config_argument(parser)
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print what the keeper says of itself; exit code 2 while it is not ready."""
    listen = load_config(arguments).settings.http.listen
    ready = _get(listen, "/readyz")
    status = _get(listen, "/status")
    reasons: dict[str, str] = ready["reasons"]
    text = ["ready" if ready["ready"] else "not ready"]
    text += [f"  {name}: {reason}" for name, reason in reasons.items()]
    text += columns([(name, _plain(value)) for name, value in status.items()])
    write_report(arguments, {"ready": ready["ready"], "reasons": reasons, **status}, text)
    return EXIT_GOOD if ready["ready"] else EXIT_CHECK_FAILED


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _get(listen: str, page: str) -> Any:  # noqa: ANN401 - whatever JSON the keeper answers
    try:
        with urllib.request.urlopen(f"http://{listen}{page}", timeout=TIMEOUT_SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        # /readyz answers 503 with its reasons in the body.
        with error:
            return json.load(error)
    except (OSError, ValueError) as error:
        raise OperatorError(
            f"expected a running keeper at {listen} ([http] listen), but {error}:"
            " start it with `bellkeeper run`, or name the profile that it runs with"
        ) from error
