"""What liquidations leave behind, over random books."""

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from risk.liquidation import (
    LiquidationCode,
    LiquidationTerms,
    LiquidationVerdict,
    backstop_state,
    judge_liquidation,
)
from risk.liquidation_effect import (
    after_liquidation,
    judge_batch,
    liquidation_effect,
    terms_after,
)
from risk.margin import Account, MarginState, margin_state
from risk.units import MarketId
from tests.builders import (
    BACKSTOP_ID,
    NOW,
    make_account,
    make_account_id,
    make_market,
    make_position,
    make_terms,
    shares,
    usd,
)
from tests.risk.strategies import BOOKS, accounts, terms


@st.composite
def liquidations(
    draw: st.DrawFn, *, highest: int = 999, most_markets: int = 3
) -> tuple[Account, LiquidationVerdict, LiquidationTerms]:
    """An account, the terms, and a verdict on one of its markets that is LIQUIDATED."""
    around = draw(terms(most_markets))
    account = draw(accounts(around, highest=highest))
    market = draw(st.sampled_from([held.market for held in account.positions]))
    max_size = draw(st.sampled_from([0, 0, 0, 1, 10**6, 10**10]))
    state = margin_state(account, around.markets, NOW)
    verdict = judge_liquidation(state, market, around, max_size=max_size)
    assume(verdict.is_liquidated)
    return account, verdict, around


def valued(account: Account, around: LiquidationTerms) -> MarginState:
    return margin_state(account, around.markets, around.now)


@BOOKS
@given(liquidations())
def test_the_verdict_tells_equity_and_margin_afterwards(
    case: tuple[Account, LiquidationVerdict, LiquidationTerms],
) -> None:
    account, verdict, around = case
    after = valued(after_liquidation(account, verdict, around), around)
    assert after.equity == verdict.equity_after
    assert after.maintenance_margin == verdict.maintenance_margin_after


@BOOKS
@given(liquidations())
def test_a_liquidation_never_worsens_equity_to_maintenance_margin(
    case: tuple[Account, LiquidationVerdict, LiquidationTerms],
) -> None:
    _, verdict, _ = case
    before = verdict.equity * verdict.maintenance_margin_after
    assert verdict.equity_after * verdict.maintenance_margin >= before


@BOOKS
@given(liquidations(highest=-1, most_markets=1))
def test_closing_the_last_position_of_a_bankrupt_account_leaves_exactly_nothing(
    case: tuple[Account, LiquidationVerdict, LiquidationTerms],
) -> None:
    account, verdict, around = case
    after = after_liquidation(account, verdict, around)
    assume(not after.positions)
    assert after.collateral == 0
    assert verdict.equity_after == 0


@BOOKS
@given(st.data())
def test_liquidating_a_bankrupt_account_to_the_end_leaves_exactly_nothing(
    data: st.DataObject,
) -> None:
    around = data.draw(terms())
    account = data.draw(accounts(around, highest=-1))
    around = replace(around, insurance_fund=usd(10**9))
    while account.positions:
        market = account.positions[0].market
        verdict = judge_liquidation(valued(account, around), market, around)
        if verdict.code is LiquidationCode.BACKSTOP_FULL:
            return
        assert verdict.is_liquidated
        account = after_liquidation(account, verdict, around)
        around = terms_after(around, verdict)
    assert account.collateral == 0


@BOOKS
@given(st.data())
def test_closing_what_is_needed_restores_the_buffer(data: st.DataObject) -> None:
    """But for the few atoms that rounding each part of the cost up takes."""
    around = data.draw(terms())
    whole = {"slice_threshold": usd(10**9), "min_position_notional": 0}
    markets = {key: replace(market, **whole) for key, market in around.markets.items()}
    around = replace(around, markets=markets)
    account = data.draw(accounts(around, lowest=400, highest=999))
    market = data.draw(st.sampled_from([held.market for held in account.positions]))
    verdict = judge_liquidation(valued(account, around), market, around)
    if verdict.sizing is None or not verdict.is_liquidated or verdict.sizing.gain <= 0:
        return
    assert verdict.sizing.close == verdict.sizing.need
    wanted = verdict.maintenance_margin_after * around.rules.buffer
    is_restored = (verdict.equity_after + 5) * 10**6 >= wanted
    assert is_restored or verdict.closed == account.position(market).size  # type: ignore[union-attr]


@BOOKS
@given(liquidations(), st.integers(-usd(10**6), usd(10**6)))
def test_no_atom_is_made_or_lost(
    case: tuple[Account, LiquidationVerdict, LiquidationTerms], inventory: int
) -> None:
    account, verdict, around = case
    backstop = replace(
        make_account(usd(10**8), [make_position(inventory or 1, market=verdict.market)]),
        id=BACKSTOP_ID,
    )
    around = replace(around, backstop=backstop_state(valued(backstop, around)))
    verdict = judge_liquidation(valued(account, around), verdict.market, around)
    effect = liquidation_effect(account, backstop, verdict, around)

    def money(*each: Account) -> int:
        return sum(one.collateral + sum(held.quote for held in one.positions) for one in each)

    def size(*each: Account) -> int:
        return sum(
            held.size for one in each for held in one.positions if held.market == verdict.market
        )

    gained = effect.insurance_gain + effect.funding_gain + effect.reward
    assert money(effect.account, effect.backstop) + gained == money(account, backstop)
    assert size(effect.account, effect.backstop) == size(account, backstop)


@BOOKS
@given(liquidations(), st.integers(-usd(10**6), usd(10**6)))
def test_the_backstop_carried_along_is_the_backstop_valued_anew(
    case: tuple[Account, LiquidationVerdict, LiquidationTerms], inventory: int
) -> None:
    account, verdict, around = case
    backstop = replace(
        make_account(usd(10**8), [make_position(inventory or 1, market=verdict.market)]),
        id=BACKSTOP_ID,
    )
    around = replace(around, backstop=backstop_state(valued(backstop, around)))
    verdict = judge_liquidation(valued(account, around), verdict.market, around)
    effect = liquidation_effect(account, backstop, verdict, around)
    carried = terms_after(around, verdict).backstop
    anew = backstop_state(valued(effect.backstop, around))
    assert (carried.equity, carried.initial_margin) == (anew.equity, anew.initial_margin)
    assert {key: size for key, size in carried.inventories.items() if size} == anew.inventories


@BOOKS
@given(liquidations())
def test_insurance_pays_out_no_more_than_it_has(
    case: tuple[Account, LiquidationVerdict, LiquidationTerms],
) -> None:
    _, verdict, _ = case
    carrying, cost = verdict.carrying, verdict.cost
    assert carrying is not None
    assert cost is not None
    assert carrying.insurance_fund >= 0
    assert carrying.shortfall_insurance + carrying.shortfall_backstop == cost.shortfall


def test_a_refused_item_changes_nothing() -> None:
    around = make_terms()
    account = make_account(usd(10_000), [make_position(shares(1))])
    backstop = make_account(usd(1), number=9)
    verdict = judge_liquidation(valued(account, around), MarketId(0), around)
    effect = liquidation_effect(account, backstop, verdict, around)
    assert (effect.account, effect.backstop) == (account, backstop)
    assert (effect.insurance_gain, effect.funding_gain, effect.reward) == (0, 0, 0)
    assert terms_after(around, verdict) is around


def test_a_slice_is_written_down_and_the_second_item_cools_down() -> None:
    around = make_terms(make_market(slice_threshold=0))
    account = make_account(usd(400), [make_position(shares(100))])
    items = [(account.id, MarketId(0), 0)] * 2
    first, second = judge_batch(items, {account.id: account}, around)
    assert first.closed == shares(20)
    assert second.code is LiquidationCode.COOLING_DOWN
    assert second.until == NOW + 30


def test_a_batch_is_judged_item_after_item() -> None:
    """The first item takes what the backstop could take; the second finds it full."""
    around = make_terms(make_market(backstop_cap=usd(20_000)))
    one, other = (make_account(0, [make_position(shares(100))], number=n) for n in (1, 2))
    items = [(one.id, MarketId(0), 0), (other.id, MarketId(0), 0)]
    first, second = judge_batch(items, {one.id: one, other.id: other}, around)
    assert first.is_liquidated
    assert second.code is LiquidationCode.BACKSTOP_FULL


def test_an_account_that_is_not_known_holds_nothing() -> None:
    items = [(make_account_id(5), MarketId(0), 0)]
    (verdict,) = judge_batch(items, {}, make_terms())
    assert verdict.code is LiquidationCode.NO_POSITION
