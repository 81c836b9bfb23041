"""Clients that send log records over OTLP without a pause, each over a new connection, until it is taken.

A URL that begins with grpc:// means OTLP/gRPC, another OTLP/HTTP.

Usage: python -m tests.support.load URL NAME; it sends until its input ends, then prints its counts as JSON.
"""

from __future__ import annotations

import itertools
import json
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

PAUSE_SECONDS, LONGEST_SECONDS = 0.05, 60.0  # seconds between records, and for which one record is tried
GRPC_SCHEME, EXPORT_METHOD = "grpc://", "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


@dataclass
class Load:
    """What has been sent, and how often a try failed."""

    url: str
    name: str
    taken: list[str] = field(default_factory=list)
    failed_tries: int = 0
    lost: list[str] = field(default_factory=list)
    # How a record is posted to a URL, and how long a client pauses before the next one, or the next try.
    post: Callable[[str, str], None] | None = None
    pause: float = PAUSE_SECONDS
    first_failure: float = 0.0
    longest: float = LONGEST_SECONDS

    def send(self, text: str) -> None:
        """Send one record until the server answers 200, or for a minute if no other time is given."""
        post = self.post or (_post_grpc if self.url.startswith(GRPC_SCHEME) else post_http)
        deadline = time.monotonic() + self.longest
        while time.monotonic() < deadline:
            try:
                post(self.url, text)
            except (OSError, HTTPException):
                self.failed_tries += 1
                self.first_failure = self.first_failure or time.monotonic()
                time.sleep(self.pause)
            else:
                self.taken.append(text)
                return
        self.lost.append(text)


def post_http(url: str, text: str, **resource: str) -> None:
    """Send one record, whose resource has these attributes."""
    resource_data = {"attributes": [{"key": key, "value": {"stringValue": value}} for key, value in resource.items()]}
    record = {"timeUnixNano": str(time.time_ns()), "body": {"stringValue": text}}
    body = json.dumps({"resourceLogs": [{"resource": resource_data, "scopeLogs": [{"logRecords": [record]}]}]}).encode()
    request = urllib.request.Request(f"{url}/v1/logs", body, {"Content-Type": "application/json"}, method="POST")
    with urllib.request.urlopen(request, timeout=5):
        pass


def _post_grpc(url: str, text: str) -> None:
    # The program also runs, over HTTP, in a pod that has nothing but Python.
    import grpc  # noqa: PLC0415
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest  # noqa: PLC0415
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue  # noqa: PLC0415
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs  # noqa: PLC0415

    record = LogRecord(time_unix_nano=time.time_ns(), body=AnyValue(string_value=text))
    request = ExportLogsServiceRequest(resource_logs=[ResourceLogs(scope_logs=[ScopeLogs(log_records=[record])])])
    # Channels of one process share their connections unless they have pools of their own.
    with grpc.insecure_channel(url.removeprefix(GRPC_SCHEME), [("grpc.use_local_subchannel_pool", 1)]) as channel:
        export = channel.unary_unary(EXPORT_METHOD, request_serializer=ExportLogsServiceRequest.SerializeToString)
        try:
            export(request, timeout=5)
        except grpc.RpcError as error:
            raise OSError(str(error)) from error


@contextmanager
def send_load(url: str, name: str, clients: int = 1, **options: Any) -> Iterator[Load]:
    """Send records named NAME-0, NAME-1 … to a receiver until the block ends."""
    client_load, stop_event, numbers = Load(url, name, **options), threading.Event(), itertools.count()

    def send_until_stopped() -> None:
        while not stop_event.wait(client_load.pause):
            client_load.send(f"{name}-{next(numbers)}.")

    threads = [threading.Thread(target=send_until_stopped) for _client in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield client_load
    finally:
        stop_event.set()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    with send_load(sys.argv[1], sys.argv[2]) as sending:
        sys.stdin.read()
    print(json.dumps({"taken": len(sending.taken), "failed_tries": sending.failed_tries, "lost": len(sending.lost)}))
