# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where no test gives telemetry, each receiver gets some that it takes."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing.generated_case import generate_case


def test_each_receiver_is_given_a_record_of_each_signal_that_it_feeds() -> None:
    config = {
        "receivers": {"otlp": {}, "jaeger": {}, "file_log": {"include": ["/a?[0-9]/*.log"]}},
        "service": {
            "pipelines": {
                "traces": {"receivers": ["otlp", "jaeger"]},
                "logs": {"receivers": ["otlp", "file_log"]},
                "profiles": {"receivers": ["otlp"]},
            }
        },
    }
    given = generate_case(config).given
    assert [(part.get("to"), sorted(part)) for part in given] == [
        ("otlp", ["logs", "spans", "to"]),
        ("jaeger", ["spans", "to"]),
        (None, ["files"]),
    ]
    assert given[2]["files"] == {"/a00/0.log": "text"}
