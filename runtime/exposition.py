"""The page of `/metrics`, in slices: what prometheus_client writes, byte for byte, without holding up the loop.

prometheus_client builds an object for each sample and formats it anew; with tens of thousands of series that takes a
tenth of a second, in a thread that holds the interpreter's lock most of the time. Nearly all of it never
changes: here each sample's text up to its value is taken once from prometheus_client itself, and a block whose
values are the same bits as before is not written again. Between two blocks the loop has its turn, so the
figures of one page are some milliseconds apart, as they were in a thread.

The library's collectors are read by their own attributes, which its pinned version has; a test compares
every page with `generate_latest`. What is of another kind is told by the library as ever.
"""

import asyncio
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final, Protocol, TypeAlias, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

BLOCK_SAMPLES: Final = 250
"""Learning a block costs about five microseconds a sample, writing one a half, reading one a tenth."""

Child: TypeAlias = Counter | Gauge | Histogram
Known: Final = (Counter, Gauge, Histogram)


class _Part(Protocol):
    """A piece of the page."""

    def text(self) -> bytes:
        """Give it as it is now."""
        ...


class MetricsPage:
    """The page of one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._families: dict[Collector, _Family | _AsTold] = {}

    async def render(self) -> bytes:
        """Give the page; between two blocks others have their turn."""
        texts: list[bytes] = []
        for collector in self._collectors():
            for part in self._family(collector).parts():
                texts.append(part.text())
                await asyncio.sleep(0)
        return b"".join(texts)

    def _collectors(self) -> Iterable[Collector]:
        """Give all collectors, in the order in which the library tells them."""
        if self._registry.get_target_info():
            return [self._registry]
        # Named by the library itself, in the order in which they came.
        return list(self._registry._collector_to_names)  # noqa: SLF001 - there is no public way

    def _family(self, collector: Collector) -> "_Family | _AsTold":
        family = self._families.get(collector)
        if family is None:
            family = _Family(collector) if isinstance(collector, Known) else _AsTold(collector)
            self._families[collector] = family
        return family


class _Family:
    """A metric of the three kinds that we have, in blocks of its children."""

    def __init__(self, metric: Child) -> None:
        self._metric = metric
        self._children: list[Child] = []
        self._parts: list[_Part] = []

    def parts(self) -> "Iterator[_Part]":
        """Give its blocks; anew where a series came or went."""
        metric = self._metric
        # One with labels has children by their values, one without is its own.
        children = cast("list[Child]", list(getattr(metric, "_metrics", {"": metric}).values()))
        if children != self._children or not self._parts:
            self._parts = list(_parts_of(metric, children))
            self._children = children
        yield from self._parts


def _parts_of(metric: Child, children: Sequence[Child]) -> "Iterator[_Part]":
    """Cut the children into blocks; the first has the family's two lines above it, even if it is empty."""
    first = list(children[0]._child_samples()) if children else []  # noqa: SLF001
    if any(sample.name == "_created" for sample in first):
        # Written apart from the others; `new_registry` switches it off.
        yield _AsTold(metric)
        return
    step = max(1, BLOCK_SAMPLES // max(1, len(first)))
    for start in range(0, max(1, len(children)), step):
        yield _Block(metric, children[start : start + step], with_head=start == 0)


class _Block:
    """Some children of one metric: what is before each value, the values of last time, the text."""

    def __init__(self, metric: Child, children: Sequence[Child], *, with_head: bool) -> None:
        self._metric = metric
        self._children = children
        self._with_head = with_head
        self._head = ""
        self._before: list[str] = []
        self._bits = b""
        self._text = b""

    def text(self) -> bytes:
        """Give it as it is now."""
        values = array("d", _values(self._children))
        bits = values.tobytes()
        # Bits, not numbers: 0 and -0 are written differently, and no NaN is like another.
        if bits != self._bits or not self._text:
            if not self._text:
                self._learn()
            lines = map("{}{}\n".format, self._before, map(floatToGoString, values))
            self._text = (self._head + "".join(lines)).encode()
            self._bits = bits
        return self._text

    def _learn(self) -> None:
        """Take from the library what it writes before each value."""
        metric = self._metric
        family = Metric(metric._name, metric._documentation, metric._type)  # noqa: SLF001
        for child in self._children:
            labels = dict(zip(child._labelnames, child._labelvalues, strict=True))  # noqa: SLF001
            for sample in child._child_samples():  # noqa: SLF001
                family.add_sample(family.name + sample.name, labels | sample.labels, sample.value)
        lines = generate_latest(_Alone(family)).decode().split("\n")[:-1]
        head = [f"{line}\n" for line in lines[:2]]
        self._head = "".join(head) if self._with_head else ""
        self._before = [line[: line.rindex(" ") + 1] for line in lines[2:]]


class _Alone:
    """A collector of one family."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        """Give it."""
        return [self._family]


def _values(children: Sequence[Child]) -> list[float]:
    """Read the values of children of one kind, in the order in which the library writes them."""
    if children and isinstance(children[0], Histogram):
        histograms = cast("Sequence[Histogram]", children)
        return [value for child in histograms for value in _of_histogram(child)]
    simple = cast("Sequence[Counter | Gauge]", children)
    return [child._value.get() for child in simple]  # noqa: SLF001


def _of_histogram(child: Histogram) -> list[float]:
    """Read one histogram: the buckets, each with all before it, the count, the sum."""
    counts = list(accumulate(bucket.get() for bucket in child._buckets))  # noqa: SLF001
    has_sum = child._upper_bounds[0] >= 0  # noqa: SLF001 - the library's own condition
    return [*counts, counts[-1], *([child._sum.get()] if has_sum else [])]  # noqa: SLF001


class _AsTold:
    """A collector of another kind, told by the library."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def parts(self) -> "Iterator[_AsTold]":
        """Give itself: it is short (the process, the garbage collector, what was built)."""
        yield self

    def text(self) -> bytes:
        """Give it as it is now."""
        return generate_latest(self._collector)
