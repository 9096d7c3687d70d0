"""Ask the running keeper over its unix socket, or write the file that it reads: one way for every command."""

import http.client
import json
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from config.settings import Settings
from keepers.admin.deeds import BY_FILE, do_by_file
from keepers.admin.terms import AdminRequest
from runtime.errors import OperatorError

TIMEOUT_SECONDS: Final = 10.0


class _NoAnswerError(Exception):
    """The keeper does not answer: why, in words."""


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("keeper", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket instead of a port."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def carry_out(settings: Settings, request: AdminRequest) -> str:
    """Have the keeper do it, or write it into the file that it reads; tell what was done.

    The file is used where the profile names no socket, and where nobody answers on it: an order to
    halt must not fail because a process hangs. Orders are what is wanted, so one that was heard
    twice does no harm. Raises OperatorError.
    """
    path = settings.admin.socket
    if path is None:
        if request.action not in BY_FILE:
            raise OperatorError(
                f"expected [admin] socket for {request.action}, found none: name one in the"
                " profile, and start the keeper again"
            )
        return do_by_file(settings, request)
    try:
        return ask_socket(path, request)
    except _NoAnswerError as error:
        if request.action not in BY_FILE:
            raise OperatorError(
                f"expected a running keeper on {path} ([admin] socket), but {error}: start it, or"
                " find out why it does not answer"
            ) from None
        words = do_by_file(settings, request)
        return f"{words}\nwritten into the file, since no keeper answers on {path} ({error})"


def ask_socket(path: Path, request: AdminRequest) -> str:
    """Post an action; give the keeper's words. Raises OperatorError with its refusal."""
    body = {**request.fields, "reason": request.reason}
    headers = {"Content-Type": "application/json", "Idempotency-Key": secrets.token_hex(16)}
    status, answer = _exchange(path, "POST", f"/actions/{request.action}", body, headers)
    if status != 200:
        raise OperatorError(str(answer.get("error") or f"the keeper answered HTTP {status}"))
    return str(answer["words"])


def list_over_socket(path: Path) -> Mapping[str, Any] | None:
    """Ask for the actions and what was done lately; None while no keeper answers."""
    try:
        status, answer = _exchange(path, "GET", "/actions", None, {})
    except _NoAnswerError:
        return None
    if status != 200:
        raise OperatorError(str(answer.get("error") or f"the keeper answered HTTP {status}"))
    return answer


def _exchange(
    path: Path,
    method: str,
    target: str,
    body: Mapping[str, object] | None,
    headers: Mapping[str, str],
) -> tuple[int, dict[str, Any]]:
    connection = _SocketConnection(path)
    payload = None if body is None else json.dumps(body).encode()
    try:
        connection.request(method, target, body=payload, headers=dict(headers))
        response = connection.getresponse()
        answer = json.loads(response.read())
    except PermissionError as error:
        raise OperatorError(
            f"expected to be let in at {path} ([admin] socket), but the system said:"
            f" {error.strerror}: run this as the keeper's user (`sudo -u`)"
        ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _NoAnswerError(str(error) or type(error).__name__) from None
    finally:
        connection.close()
    return response.status, answer if isinstance(answer, dict) else {}
