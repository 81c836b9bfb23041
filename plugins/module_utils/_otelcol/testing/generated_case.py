# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate a case with telemetry for all receivers of a config, where no test of the user gives any. Private.

`comparing.py` in plugin_utils compares two configs by what leaves them, see comparison.py, and takes this case if the
user has none. Each receiver gets a span, a data point and a log record, as far as it takes them. For receiver `otlp` in
a pipeline of traces, and `file_log` with `include: [/var/log/*.log]` in one of logs, the case gives

    {"to": "otlp", "spans": [{"name": "GET /", "kind": "server", …}]}
    {"files": {"/var/log/0.log": "text"}}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..config.paths import mapping_at
from ..traits import kind_of
from .case import ConfigCase
from .checked_pipelines import map_signals_of_receivers
from .planted_records import plant_file
from .records import RECORD_KINDS_BY_SIGNAL, Record

# The name of the case where no test gives telemetry.
GENERATED = "generated telemetry"
# The resource of each record, then the record of each kind.
_SAMPLE_RESOURCE = {"service.name": "cart", "k8s.namespace.name": "shop", "k8s.pod.name": "cart-1"}
_SAMPLE_RECORDS: dict[str, Record] = {
    "spans": {"name": "GET /", "kind": "server", "attributes": {"url.path": "/"}, "resource": _SAMPLE_RESOURCE},
    "metrics": {"name": "requests", "type": "sum", "attributes": {"http.route": "/"}, "resource": _SAMPLE_RESOURCE},
    "logs": {"body": "text", "severity": "info", "attributes": {"user": "a"}, "resource": _SAMPLE_RESOURCE},
}


def generate_case(config: Mapping[str, Any]) -> ConfigCase:
    """Return a case that gives each receiver a record of each signal that it feeds, or a file if it reads files."""
    given_parts: list[dict[str, Any]] = []
    for receiver_id, signals in map_signals_of_receivers(config).items():
        if kind_of(receiver_id) == "filelog":
            given_parts.append({"files": plant_file(mapping_at(config, "receivers", receiver_id), "text")})
        else:
            given_parts.append({"to": receiver_id, **_choose_records(signals)})
    return ConfigCase(GENERATED, "generated", tuple(given_parts), {})


def _choose_records(signals: Iterable[str]) -> dict[str, list[Record]]:
    """Return a record of each of these signals: `traces` gives `{"spans": [{"name": "GET /", …}]}`.

    There are no records of other signals, such as profiles.
    """
    records: dict[str, list[Record]] = {}
    for signal in signals:
        if signal in RECORD_KINDS_BY_SIGNAL:
            record_kind = RECORD_KINDS_BY_SIGNAL[signal]
            records[record_kind] = [_SAMPLE_RECORDS[record_kind]]
    return records
