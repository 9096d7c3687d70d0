"""The file of operators' orders about corporate actions, and the folder of what publishers tell."""

from pathlib import Path

import pytest

from monitors.corporate.orders import (
    ActionOrder,
    ActionOrderKind,
    ActionOrders,
    ActionOrdersError,
    parse_action_orders,
    render_action_orders,
)
from monitors.corporate.sources import ActionSources, Told
from risk.units import Seconds
from runtime.errors import OperatorError
from tests.risk.corporate_world import make_action, make_report


def make_order(sequence: int = 1, kind: ActionOrderKind = ActionOrderKind.APPROVE) -> ActionOrder:
    is_approval = kind is ActionOrderKind.APPROVE
    return ActionOrder(
        sequence=sequence,
        kind=kind,
        key="AAPL split 2027-01-20",
        by="night-desk",
        reason="read the filing",
        at=Seconds(1_000),
        action=make_action() if is_approval else None,
    )


def test_an_order_comes_back_as_it_was_written() -> None:
    orders = (make_order(1), make_order(2, ActionOrderKind.ABORT))
    assert parse_action_orders(render_action_orders(orders)) == orders


def test_an_approval_names_its_terms() -> None:
    with pytest.raises(ValueError, match="expected terms in an approval"):
        ActionOrder(
            sequence=1,
            kind=ActionOrderKind.APPROVE,
            key="AAPL split 2027-01-20",
            by="x",
            reason="y",
            at=Seconds(1),
        )


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        (b"{", "Invalid JSON"),
        (b'[{"sequence": 1}]', "0.kind"),
        (render_action_orders((make_order(), make_order())), "found one twice"),
    ],
)
def test_a_file_of_another_form_is_refused_in_one_sentence(payload: bytes, sentence: str) -> None:
    with pytest.raises(ActionOrdersError, match=sentence):
        parse_action_orders(payload)


def test_a_broken_file_leaves_what_was_ordered(tmp_path: Path) -> None:
    path = tmp_path / "orders.json"
    orders = ActionOrders(path)
    assert not orders.read()
    path.write_bytes(render_action_orders((make_order(),)))
    assert orders.read()
    assert not orders.read()
    path.write_text("{")
    assert not orders.read()
    assert orders.orders == (make_order(),)
    assert orders.problem is not None
    path.unlink()
    assert not orders.read()
    assert orders.orders == (make_order(),)


def test_a_changed_folder_is_read_again_and_a_broken_one_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "actions"
    folder.mkdir()
    told = [Told(), Told(reports=(make_report("alpaca", make_action()),))]

    def load(directory: Path) -> Told:
        if (directory / "broken.toml").exists():
            raise OperatorError("expected a date")
        return told[len(list(directory.glob("*.toml")))]

    sources = ActionSources(folder, ActionOrders(None), load=load)
    heard: list[int] = []
    sources.on_read(lambda: heard.append(sources.revision))
    sources.read()
    sources.read()
    (folder / "alpaca.toml").write_text("x")
    sources.read()
    assert (heard, sources.told) == ([1, 2], told[1])
    (folder / "broken.toml").write_text("x")
    with pytest.raises(OperatorError, match="expected a date"):
        sources.read()
    assert sources.told == told[1]
    (folder / "broken.toml").unlink()
    sources.read()
    (folder / "alpaca.toml").unlink()
    folder.rmdir()
    with pytest.raises(OperatorError, match="expected a folder of corporate actions"):
        sources.read()
    assert sources.told == told[1]
