# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A message of `otelcol validate` leads to its place in the config."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol import _validate_messages

from tests.support.cases import cases

CONFIG = {
    "receivers": {"otlp": {"protocols": {"grpc": {}}}},
    "exporters": {"debug": {"verbosity": "x"}},
    "service": {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["debug"]}}},
}


@cases(
    "message, path",
    ('service::pipelines::traces: references exporter "x" which is not configured', ("service", "pipelines", "traces")),
    ("exporters::debug::verbosity: invalid level", ("exporters", "debug", "verbosity")),
    ("exporters::debug::sending_queue::queue_size: must be positive", ("exporters", "debug")),
    ("'receivers' error reading configuration for \"otlp\": no protocols", ("receivers", "otlp")),
    ('\'exporters\' unknown type: "debug" for id: "debug"', ("exporters", "debug")),
    ('failed to create "debug" exporter for data type "traces": no room', ("exporters", "debug")),
    ("'otelcol.configSettings' has invalid keys: exporters", ("exporters",)),
    ("processors::batch: nobody has it", ()),
    ("something else", ()),
)
def test_a_message_names_the_place_that_the_config_has(message: str, path: tuple[str, ...]) -> None:
    assert _validate_messages.find_path_in_message(message, CONFIG) == path


def test_a_file_of_this_machine_may_be_there_elsewhere() -> None:
    assert _validate_messages.may_apply_only_here("open /etc/otel/ca.pem: no such file or directory")
    assert not _validate_messages.may_apply_only_here("exporters::debug: invalid level")


def test_the_list_of_all_types_is_left_out() -> None:
    message = 'unknown type: "x" (valid values: [debug nop]) in exporters'
    assert _validate_messages.remove_valid_values(message) == 'unknown type: "x" in exporters'
