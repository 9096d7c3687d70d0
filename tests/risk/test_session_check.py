"""A source that tells the session is a second calendar, and the stricter of the two holds."""

import pytest

from risk.session_check import reconciled
from risk.sessions import Session


@pytest.mark.parametrize(
    ("calendar", "told", "session", "is_disputed"),
    [
        (Session.REGULAR, [Session.REGULAR], Session.REGULAR, False),
        (Session.REGULAR, [], Session.REGULAR, False),
        # The exchange stays shut on a day that no calendar knew of.
        (Session.REGULAR, [Session.WEEKEND], Session.WEEKEND, True),
        # A source that trades on our holiday opens nothing.
        (Session.HOLIDAY, [Session.REGULAR], Session.HOLIDAY, True),
        (Session.REGULAR, [Session.PRE], Session.PRE, True),
        (Session.HOLIDAY, [Session.WEEKEND], Session.HOLIDAY, False),
        (Session.UNKNOWN, [Session.REGULAR], Session.UNKNOWN, True),
        # Who does not know contradicts nobody.
        (Session.REGULAR, [Session.UNKNOWN], Session.REGULAR, False),
        (Session.REGULAR, [Session.REGULAR, Session.HALTED], Session.HALTED, True),
    ],
)
def test_the_stricter_answer_holds(
    calendar: Session, told: list[Session], session: Session, is_disputed: object
) -> None:
    assert reconciled(calendar, told, is_settling=False) == (session, is_disputed)


def test_clocks_that_differ_around_a_border_are_no_dispute() -> None:
    found = reconciled(Session.PRE, [Session.WEEKEND], is_settling=True)
    assert found == (Session.PRE, False)
