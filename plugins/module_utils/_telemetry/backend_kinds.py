# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of backends that module otlp_probe asks for a probe. Private.

A row of BACKENDS says which signals (traces, metrics, logs) a kind keeps, how it is asked (backend_queries.py), and how
its answer is read (backend_records.py). The keys are the values of the option `kind`. For example, `tempo` keeps
traces; the question of `ask_tempo` goes to it, and `read_tempo_spans` yields the attributes of each span in its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from . import backend_queries, backend_records
from .backend_queries import AwsCall, BackendRequest, ProbeSearch, replace_special_characters
from .backend_records import Attributes
from .probe_ids import ID_ATTRIBUTE

HINT_OF_TRANSACTION_SEARCH = "; with Transaction Search, spans are in CloudWatch, so ask kind cloudwatch for traces"


class BackendKind(NamedTuple):
    """A kind of backend."""

    signals: tuple[str, ...]
    """The signals that it can keep."""
    build_question: Callable[[ProbeSearch], BackendRequest | AwsCall]
    read_records: Callable[[Any], Iterator[Attributes]]
    """Takes an answer, parsed from JSON, and yields the attributes of each record."""
    filters: bool = True
    """Whether it answers with records of the probe alone. Otherwise `select_probe_records` looks for the id in them."""
    is_aws: bool = False
    """Whether it is a service of AWS, which is asked with credentials of AWS."""
    absence_note: str = ", or not for this tenant"
    """What else it may mean that it has no record, as the end of a sentence."""
    grouped_signals: tuple[str, ...] = ()
    """The signals for which it needs a log group."""


BACKENDS: dict[str, BackendKind] = {
    "prometheus": BackendKind(("metrics",), backend_queries.ask_prometheus, backend_records.read_series, filters=False),
    "loki": BackendKind(("logs",), backend_queries.ask_loki, backend_records.read_series),
    "jaeger": BackendKind(("traces",), backend_queries.ask_jaeger, backend_records.read_otlp_spans, filters=False),
    "tempo": BackendKind(("traces",), backend_queries.ask_tempo, backend_records.read_tempo_spans),
    "elasticsearch": BackendKind(
        ("traces", "metrics", "logs"), backend_queries.ask_elasticsearch, backend_records.read_documents
    ),
    "datadog": BackendKind(("traces", "logs"), backend_queries.ask_datadog, backend_records.read_datadog_events),
    "xray": BackendKind(
        ("traces",),
        backend_queries.ask_xray,
        backend_records.read_xray_segments,
        is_aws=True,
        absence_note=HINT_OF_TRANSACTION_SEARCH,
    ),
    "cloudwatch": BackendKind(
        ("traces", "metrics", "logs"),
        backend_queries.ask_cloudwatch,
        backend_records.read_log_events,
        is_aws=True,
        absence_note="",
        grouped_signals=("logs",),
    ),
}


def select_probe_records(backend: BackendKind, answer: Any, probe_id: str) -> list[Attributes]:
    """Return the attributes of each record of a probe; empty if the backend does not have it."""
    records = list(backend.read_records(answer))
    if backend.filters:
        return records
    # Prometheus has replaced the dots in the name of the attribute; Jaeger has them.
    id_names = (ID_ATTRIBUTE, replace_special_characters(ID_ATTRIBUTE))
    return [record for record in records if probe_id in [record.get(name) for name in id_names]]
