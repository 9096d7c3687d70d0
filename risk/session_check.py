"""Which session holds when the calendar and the sources do not say the same.

A calendar is written ahead: it knows nothing of a day of mourning or a venue that stays shut. A
source that tells the market's session is a second calendar. Where the two differ on whether outside
markets trade, or on which of them do, somebody must look, and until then the stricter answer holds.
"""

from collections.abc import Iterable

from risk.sessions import EXTERNAL_SESSIONS, Session, stricter


def reconciled(
    calendar: Session, told: Iterable[Session], *, is_settling: bool
) -> tuple[Session, bool]:
    """Give the session that holds, and whether sources disagree with the calendar.

    Nobody disagrees while `is_settling`: around a border clocks differ by seconds. A source that
    says only that it is closed agrees with every kind of closed; one that does not know says nothing.
    """
    session, is_disputed = calendar, False
    if is_settling:
        return session, is_disputed
    for other in told:
        if other is Session.UNKNOWN or _agree(calendar, other):
            continue
        session, is_disputed = stricter(session, other), True
    return session, is_disputed


def _agree(one: Session, other: Session) -> bool:
    both_closed = one not in EXTERNAL_SESSIONS and other not in EXTERNAL_SESSIONS
    return one is other or both_closed
