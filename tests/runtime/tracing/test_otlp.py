"""What is written by hand is what the official package reads, to the last field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from runtime.tracing.otlp import decode_response, encode_request, encode_span
from runtime.tracing.spans import Span, SpanEvent
from tests.otlp_receiver import Receiver

ids = st.binary(min_size=16, max_size=16).map(bytes.hex)
short_ids = st.binary(min_size=8, max_size=8).map(bytes.hex)
times = st.floats(min_value=0, max_value=4e9)
values = st.dictionaries(
    st.text(min_size=1), st.one_of(st.text(), st.integers(-(2**63), 2**63 - 1)), max_size=4
)
texts = st.text()
events = st.builds(SpanEvent, at=times, name=texts, attributes=values)
spans = st.builds(
    Span,
    trace_id=ids,
    span_id=short_ids,
    parent_id=st.one_of(st.just(""), short_ids),
    name=texts,
    start=times,
    end=times,
    attributes=values,
    events=st.lists(events, max_size=2).map(tuple),
    error=st.one_of(st.none(), texts),
)


@given(written=st.lists(spans, max_size=4), resource=values)
def test_the_official_package_reads_what_was_written(
    written: list[Span], resource: dict[str, str | int]
) -> None:
    body = encode_request(map(encode_span, written), resource=resource, version="1.2")
    receiver = Receiver(url="")
    receiver.take(body)
    assert receiver.resources == [resource]
    for span, seen in zip(written, receiver.spans, strict=True):
        assert (seen.trace_id, seen.span_id) == (span.trace_id, span.span_id)
        assert (seen.parent_id, seen.name) == (span.parent_id, span.name)
        assert seen.attributes == span.attributes
        assert seen.events == [event.name for event in span.events]
        assert seen.error == span.error
    request = ExportTraceServiceRequest()
    request.ParseFromString(body)
    (scope,) = request.resource_spans[0].scope_spans
    assert (scope.scope.name, scope.scope.version) == ("bellkeeper", "1.2")
    for span, read in zip(written, scope.spans, strict=True):
        assert read.start_time_unix_nano == round(span.start * 1e9)
        assert read.end_time_unix_nano == round(span.end * 1e9)
        assert read.kind == 1
        for event, told in zip(span.events, read.events, strict=True):
            assert told.time_unix_nano == round(event.at * 1e9)
            assert len(told.attributes) == len(event.attributes)
    # Nothing is written that the package does not know, and nothing twice.
    again = ExportTraceServiceRequest()
    again.CopyFrom(request)
    again.DiscardUnknownFields()
    assert again == request


def test_an_integer_beyond_63_bits_is_told_as_text() -> None:
    span = Span(
        trace_id="ab" * 16,
        span_id="cd" * 8,
        name="n",
        start=0,
        end=1,
        attributes={"wei": 10**30, "small": -5},
    )
    receiver = Receiver(url="")
    receiver.take(encode_request([encode_span(span)], resource={}, version="1"))
    assert receiver.spans[0].attributes == {"wei": str(10**30), "small": -5}


@given(rejected=st.integers(0, 2**63 - 1), why=st.text())
def test_an_answer_is_read_as_the_official_package_wrote_it(rejected: int, why: str) -> None:
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = rejected
    response.partial_success.error_message = why
    assert decode_response(response.SerializeToString()) == (rejected, why)


@given(st.binary(max_size=64))
def test_bytes_that_are_no_answer_are_read_or_refused_and_nothing_else(body: bytes) -> None:
    try:
        rejected, why = decode_response(body)
    except ValueError:
        return
    assert rejected >= 0
    assert isinstance(why, str)


def test_an_answer_that_is_cut_off_is_refused() -> None:
    response = ExportTraceServiceResponse()
    response.partial_success.error_message = "too many"
    with pytest.raises(ValueError, match="cut off"):
        decode_response(response.SerializeToString()[:-3])
    assert decode_response(b"") == (0, "")
