# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ids of a probe: the attribute that carries its id, and the trace IDs that follow from it. Private.

A probe is one record of a signal (traces, metrics or logs) that module otlp_probe sends, with an id in an attribute.
The senders write the ids, and the questions to backends search for them. For the id `65f0a1b2c3d4e5f6`:

    o11y.probe.id = 65f0a1b2c3d4e5f6
    trace ID of its OTLP span: 32 hexadecimal digits; of its X-Ray segment: 1-65f0a1b2-… (24 digits)
"""

from __future__ import annotations

import hashlib

# The attribute of a record that has the id of its probe.
ID_ATTRIBUTE = "o11y.probe.id"
# The name of the metric of all probes.
PROBE_METRIC = "o11y.probe"


def probe_trace_id(probe_id: str) -> str:
    """Return the trace ID of a probe's span. It looks random, and follows from the ID of the probe."""
    return hashlib.sha256(probe_id.encode()).hexdigest()[:32]


def probe_segment_id(probe_id: str) -> str:
    """Return the trace ID of a probe's segment. It begins with a time, as those of the X-Ray SDKs do."""
    return format_xray_trace_id(probe_id[:8] + probe_trace_id(probe_id)[8:])


def format_xray_trace_id(trace_id: str) -> str:
    """Return a trace ID of 32 hexadecimal digits as X-Ray writes it: `1-` with 8 digits, a dash, and 24 digits."""
    return f"1-{trace_id[:8]}-{trace_id[8:]}"
