"""A collector of OpenTelemetry metrics, over HTTP or gRPC: what it was sent, as protobuf has it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as service
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as over_grpc


class Collector:
    """What has come so far, export by export."""

    def __init__(self) -> None:
        self.exports: list[dict[str, Any]] = []
        self.resources: list[dict[str, str]] = []

    def take(self, request: Any) -> None:
        """One request of an exporter."""
        for each in request.resource_metrics:
            named = {a.key: a.value.string_value for a in each.resource.attributes}
            self.resources.append(named)
            metrics = [metric for scope in each.scope_metrics for metric in scope.metrics]
            if any(metric.name.startswith("sockproof.") for metric in metrics):
                self.exports.append({metric.name: metric for metric in metrics})


@contextlib.contextmanager
def collector(protocol: str) -> Iterator[tuple[Collector, dict[str, str]]]:
    """A collector that listens, and the environment that leads an exporter to it."""
    found = Collector()
    serving = _http(found) if protocol == "http/protobuf" else _grpc(found)
    with serving as port:
        endpoint = f"http://127.0.0.1:{port}"
        variables = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_TRACES_EXPORTER": "none"}
        yield found, {**variables, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}


@contextlib.contextmanager
def _http(found: Collector) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/metrics":
                found.take(service.ExportMetricsServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def _grpc(found: Collector) -> Iterator[int]:
    class Servicer(over_grpc.MetricsServiceServicer):
        def Export(self, request: Any, context: Any) -> Any:  # noqa: N802
            found.take(request)
            return service.ExportMetricsServiceResponse()

    server = grpc.server(ThreadPoolExecutor(2))
    over_grpc.add_MetricsServiceServicer_to_server(Servicer(), server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None).wait()
