"""What happens in a scenario besides prices, gathered from its rows in order of time."""

from collections.abc import Iterator

from config.schema.markets import atoms
from drills.scenario.clock import Mover
from drills.scenario.moment import Event, EventKind, SourceState
from drills.scenario.schema import HaltRow, ScenarioFile
from risk.units import Ppm, QuoteAtoms


def events_of(file: ScenarioFile, mover: Mover) -> tuple[Event, ...]:
    """Give all events; those of one second in the order of the file."""
    return tuple(sorted(_events(file, mover), key=lambda event: event.start))


def _events(file: ScenarioFile, mover: Mover) -> Iterator[Event]:
    for halt in file.halts:
        yield _halt(halt, mover)
    for fault in file.faults:
        yield Event(
            kind=EventKind.FAULT,
            start=mover.seconds(fault.begins),
            stop=mover.seconds(fault.ends),
            symbols=tuple(fault.symbols),
            text=f"{', '.join(fault.sources)}: {fault.state}",
            sources=tuple(fault.sources),
            state=SourceState(fault.state),
            offset=Ppm(fault.offset_ppm),
        )
    for flow in file.flows:
        amount = atoms(flow.notional_usd)
        yield Event(
            kind=EventKind.FLOW,
            start=mover.seconds(flow.begins),
            stop=mover.seconds(flow.ends),
            symbols=tuple(flow.symbols),
            text=f"somebody {flow.side}s {flow.notional_usd} USD",
            notional=QuoteAtoms(amount if flow.side == "buy" else -amount),
        )
    for outage in file.outages:
        is_chain = outage.what == "chain"
        yield Event(
            kind=EventKind.CHAIN_STALL if is_chain else EventKind.EXCHANGE_OUTAGE,
            start=mover.seconds(outage.begins),
            stop=mover.seconds(outage.ends),
            symbols=(),
            text="the chain makes no block" if is_chain else "the exchange takes nothing",
        )
    for split in file.splits:
        at = mover.seconds(split.at)
        yield Event(
            kind=EventKind.SPLIT,
            start=at,
            stop=at,
            symbols=(split.symbol,),
            text=f"{split.new_shares} new shares for {split.old_shares}",
            new_shares=split.new_shares,
            old_shares=split.old_shares,
        )
    for headline in file.headlines:
        at = mover.seconds(headline.at)
        yield Event(kind=EventKind.HEADLINE, start=at, stop=at, symbols=(), text=headline.text)


def _halt(row: HaltRow, mover: Mover) -> Event:
    return Event(
        kind=EventKind.HALT,
        start=mover.seconds(row.begins),
        stop=mover.seconds(row.ends),
        symbols=tuple(row.symbols),
        text=row.reason,
    )
