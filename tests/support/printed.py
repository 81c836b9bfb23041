"""What the debug exporter of a collector prints in detail, resource by resource."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_HEADING = re.compile(r"\bResource(Spans|Metrics|Log) #\d+\n")
_ATTRIBUTE = re.compile(r"^ +-> (\S+): \w+\((.*)\)$", re.MULTILINE)
_METRIC = re.compile(r"^Metric #\d+\nDescriptor:\n +-> Name: (\S+)\n", re.MULTILINE)
_POINT = re.compile(
    r"^Data point attributes:\n((?: +-> .*\n)+)StartTimestamp: .*\nTimestamp: .*\nValue: (\S+)$", re.MULTILINE
)
_SPAN = re.compile(r"^ +Trace ID +: (\w+)\n(?: .*\n){2} +Name +: (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Resource:
    """A resource, and its records as they were printed."""

    signal: str
    """Spans, Metrics or Log."""
    attributes: dict[str, str]
    records: str

    def list_spans(self) -> list[tuple[str, str]]:
        """Return the trace and the name of each span."""
        return _SPAN.findall(self.records) if self.signal == "Spans" else []

    def list_points(self, metric: str) -> Iterator[tuple[dict[str, str], float]]:
        """Yield the attributes and the value of each point of a sum or gauge that has attributes."""
        parts = _METRIC.split(self.records)[1:] if self.signal == "Metrics" else []
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            for attributes, value in _POINT.findall(text) if name == metric else ():
                yield dict(_ATTRIBUTE.findall(attributes)), float(value)


def parse_resources(printed_text: str) -> Iterator[Resource]:
    """Yield each resource that was printed, in order."""
    parts = _HEADING.split(printed_text)[1:]
    for signal, body in zip(parts[::2], parts[1::2], strict=True):
        head, _, records = body.partition("\nScope")
        yield Resource(signal, dict(_ATTRIBUTE.findall(head)), records)
