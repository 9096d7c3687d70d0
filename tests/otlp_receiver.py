"""A collector that takes traces over OTLP/HTTP, reads them with the official package, and misbehaves on demand."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

PATH = "/v1/traces"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSpan:
    """A span as the official package reads it."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    start: float
    end: float
    attributes: dict[str, Any]
    events: list[str]
    error: str | None


@dataclass(slots=True, kw_only=True)
class Receiver:
    """What came, and how to answer next."""

    url: str
    spans: list[SeenSpan] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    """Answers to the next requests, before 200 again."""
    rejects: int = 0
    hangs: threading.Event | None = None
    """Requests wait for it, if there is one."""
    asked: threading.Event = field(default_factory=threading.Event)

    def of(self, trace_id: str) -> dict[str, SeenSpan]:
        """Give the spans of a trace by name, each once however often it came."""
        return {span.name: span for span in self.spans if span.trace_id == trace_id}

    def take(self, body: bytes) -> None:
        """Read a request."""
        request = ExportTraceServiceRequest()
        request.ParseFromString(body)
        for of_resource in request.resource_spans:
            self.resources.append(_values(of_resource.resource.attributes))
            for of_scope in of_resource.scope_spans:
                self.spans.extend(map(_span, of_scope.spans))


@contextmanager
def running_receiver(port: int = 0) -> Iterator[Receiver]:
    """Serve on loopback until the end of the block."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
    server.daemon_threads = True
    receiver = Receiver(url=f"http://127.0.0.1:{server.server_address[1]}{PATH}")
    server.receiver = receiver  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        if receiver.hangs is not None:
            receiver.hangs.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver: Receiver = self.server.receiver  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver.asked.set()
        if receiver.hangs is not None:
            receiver.hangs.wait()
        status = receiver.statuses.pop(0) if receiver.statuses else 200
        answer = b""
        if self.path != PATH:
            status = 404
        if status == 200:
            receiver.headers.append(dict(self.headers.items()))
            receiver.take(body)
            response = ExportTraceServiceResponse()
            if receiver.rejects:
                response.partial_success.rejected_spans = receiver.rejects
                response.partial_success.error_message = "too old"
            answer = response.SerializeToString()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _span(span: Any) -> SeenSpan:
    return SeenSpan(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        name=span.name,
        start=span.start_time_unix_nano / 1e9,
        end=span.end_time_unix_nano / 1e9,
        attributes=_values(span.attributes),
        events=[event.name for event in span.events],
        error=span.status.message if span.status.code == 2 else None,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in attributes
    }
