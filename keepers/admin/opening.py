"""The admin listener put together: its doors from the profile, its actions from the parts of the process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from config.schema.admin import Admin
from config.settings import Settings
from keepers.admin.deeds import Deeds
from keepers.admin.pauses import LanePauses, Pausable
from keepers.admin.record import Entry, Record
from keepers.admin.service import AdminActions
from keepers.secret_files import read_secret
from keepers.sender.local_signer import check_private
from runtime.admin_door import Door
from runtime.admin_listener import AdminListener, AdminMetrics
from runtime.admin_socket import SocketDoor
from runtime.admin_tls import TlsDoor, check_token, server_context
from runtime.clock import Clock
from runtime.http import parse_listen
from runtime.journal import Journal


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminParts:
    """What the actions act on."""

    settings: Settings
    journal: Journal
    lanes: Mapping[str, Pausable]
    resync: Callable[[str], None]
    registry: CollectorRegistry
    clock: Clock
    tell: Callable[[Entry], None] | None = None
    """Who hears of each action with its outcome."""


def open_admin(parts: AdminParts) -> AdminListener | None:
    """Put the listener together, None where the profile has none; raises OperatorError.

    Pauses that were ordered before hold either way.
    """
    pauses = LanePauses(parts.lanes, parts.journal)
    knobs = parts.settings.admin
    if not knobs.is_on:
        return None
    actions = AdminActions(
        deeds=Deeds(settings=parts.settings, pauses=pauses, resync=parts.resync),
        record=Record(parts.journal, parts.clock),
        tell=parts.tell,
    )
    return AdminListener(
        service=actions,
        doors=open_doors(knobs),
        metrics=AdminMetrics.create(parts.registry),
        clock=parts.clock,
    )


def open_doors(knobs: Admin) -> list[Door]:
    """Make the ways in; raises OperatorError for files that are open to others, or wrong."""
    doors: list[Door] = []
    if knobs.socket is not None:
        doors.append(SocketDoor(knobs.socket))
    if knobs.listen is not None:
        assert knobs.certificate_file is not None, "the schema wants both files beside listen"
        assert knobs.key_file is not None, "the schema wants both files beside listen"
        host, port = parse_listen(knobs.listen)
        check_private(knobs.key_file, "key of the admin port")
        doors.append(
            TlsDoor(
                host,
                port,
                context=server_context(knobs.certificate_file, knobs.key_file),
                name_to_token=read_tokens(knobs),
            )
        )
    return doors


def read_tokens(knobs: Admin) -> dict[str, str]:
    """Read every token, by its holder's name; raises OperatorError."""
    tokens = {}
    for each in knobs.tokens:
        token = read_secret(each.file, f"admin token of {each.name}")
        check_token(each.name, token)
        tokens[each.name] = token
    return tokens
