"""A unix socket that only its owner may use, and whose peers the kernel names.

The file's mode is 0600 before anybody could connect: it is bound, closed to others, and only then
listened on, so no umask of the process is touched. What lies at the path is removed only if it is a
socket on which nobody answers. The folder must be ours and closed to other writers, or somebody could
put another socket in the place of ours.
"""

import asyncio
import contextlib
import errno
import os
import pwd
import socket
import stat
import struct
from pathlib import Path
from typing import Final

from aiohttp import web

from runtime.admin_door import ConnectionFactory, NotLetInError
from runtime.errors import OperatorError

LONGEST_PATH: Final = 107
"""Bytes that the kernel's `sockaddr_un` holds beside its end."""
_OTHERS_WRITE: Final = 0o022
_PROBE_SECONDS: Final = 1.0
_CREDENTIALS: Final = struct.Struct("3i")
"""Linux's `struct ucred`: process, user, group."""


class SocketDoor:
    """Listen on a unix socket of mode 0600; root and the keeper's own user are let in."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """Say where it is."""
        return str(self._path)

    async def open(self, factory: ConnectionFactory) -> asyncio.AbstractServer:
        """Listen; raises OperatorError with one sentence."""
        check_folder(self._path)
        clear_stale(self._path)
        try:
            listener = self._bound()
        except OSError as error:
            raise OperatorError(
                f"expected to listen on {self._path} ([admin] socket), but the system said:"
                f" {error.strerror}: correct the path or its folder's permissions"
            ) from error
        loop = asyncio.get_running_loop()
        return await loop.create_unix_server(factory, sock=listener)

    def _bound(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            listener.bind(str(self._path))
            # Until `listen` every connection is refused: nobody is in before the mode is right.
            self._path.chmod(0o600)
            found = self._path.lstat()
        except OSError:
            listener.close()
            raise
        self._inode = (found.st_dev, found.st_ino)
        listener.setblocking(False)
        return listener

    def who(self, request: web.Request) -> str:
        """Name the peer as the kernel does; raises NotLetInError for another user than ours."""
        transport = request.transport
        if transport is None:
            raise NotLetInError("expected a connection, found that it is gone")
        credentials = transport.get_extra_info("socket").getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
        )
        process, user, _group = _CREDENTIALS.unpack(credentials)
        if user not in {0, os.geteuid()}:
            raise NotLetInError(
                f"expected the keeper's own user or root, found user {user}: use `sudo -u`"
            )
        return f"{user_name(user)} (uid {user}, pid {process})"

    def shut(self) -> None:
        """Remove the socket, if it is still ours."""
        with contextlib.suppress(FileNotFoundError):
            found = self._path.lstat()
            if (found.st_dev, found.st_ino) == self._inode:
                self._path.unlink()


def user_name(user: int) -> str:
    """Name a user; one without an entry in the list of users keeps the number."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def check_folder(path: Path) -> None:
    """Refuse a socket's folder in which others could exchange it, and a path that is too long."""
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise OperatorError(
            f"expected [admin] socket of at most {LONGEST_PATH} bytes, found {path}: choose a"
            " shorter path, such as one in /run"
        )
    try:
        folder = path.parent.stat()
    except OSError as error:
        raise OperatorError(
            f"expected a folder for {path} ([admin] socket), but {error.strerror}: create it"
        ) from error
    if not stat.S_ISDIR(folder.st_mode) or folder.st_uid not in {0, os.geteuid()}:
        raise OperatorError(
            f"expected {path.parent} ([admin] socket) to be a folder of the keeper's user or of"
            f" root, found that user {folder.st_uid} owns it: choose another"
        )
    if folder.st_mode & _OTHERS_WRITE:
        raise OperatorError(
            f"expected {path.parent} ([admin] socket) to be closed to other writers, found mode"
            f" {stat.S_IMODE(folder.st_mode):o}: run chmod go-w on it, or choose another folder"
        )


def clear_stale(path: Path) -> None:
    """Remove a socket on which nobody answers; raises OperatorError for anything else there."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise OperatorError(
            f"expected nothing or an old socket at {path} ([admin] socket), found something else:"
            " choose another path"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as probe:
        probe.settimeout(_PROBE_SECONDS)
        is_refused = probe.connect_ex(str(path)) == errno.ECONNREFUSED
    if not is_refused:
        raise OperatorError(
            f"expected nobody on {path} ([admin] socket), found that somebody listens there: stop"
            " that process, or give each profile a socket of its own"
        )
    path.unlink(missing_ok=True)
