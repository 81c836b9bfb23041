# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines of the journal a failed change tells."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.journal_lines import (
    choose_telling_lines,
    explain_unstarted,
)

RESOURCE = '{"resource": {"service.name": "otelcol-contrib", "service.version": "0.158.0"}'
WARNING = f'2026-11-26T07:32:50Z\twarn\tgrpc/clientconn.go:1532\tfailed to connect\t{RESOURCE}, "grpc_log": true}}'
GRAVE = f'2026-11-26T07:32:51Z\terror\tgraph/graph.go:454\tFailed to start component\t{RESOURCE}, "id": "otlp"}}'
LAST = "Error: cannot start pipelines: listen tcp 192.0.2.77:4317: bind: cannot assign requested address"
SYSTEMD = "otelcol-agent.service: Main process exited, code=exited, status=203/EXEC"


def told(*lines: str) -> list[str]:
    return choose_telling_lines("\n".join(lines))


def test_the_last_words_of_the_collector_tell_the_cause() -> None:
    assert told(WARNING, GRAVE, LAST, SYSTEMD) == [LAST]


def test_without_them_its_errors_do_and_no_warning() -> None:
    grave = '2026-11-26T07:32:51Z\terror\tgraph/graph.go:454\tFailed to start component\t{"id": "otlp"}'
    assert told(WARNING, GRAVE, WARNING) == [grave]


def test_a_program_that_never_ran_is_told_by_systemd() -> None:
    assert told("Starting it", SYSTEMD) == [SYSTEMD]


def test_the_last_lines_are_better_than_none() -> None:
    assert told(f"2026-11-26T07:32:50Z\tinfo\tservice.go:1\tStarting\t{RESOURCE}}}", "", "") == [
        "2026-11-26T07:32:50Z\tinfo\tservice.go:1\tStarting"
    ]
    assert told("") == []


def test_what_the_host_lacks_for_a_service_is_named() -> None:
    user = "otelcol-agent.check.service: Main process exited, code=exited, status=217/USER"
    failed = "otelcol-agent.check.service: Failed with result 'exit-code'."
    assert explain_unstarted(f"Starting …\n{user}\n{failed}\n") == (
        "Correct `user`: the host has no such user.",
        [user],
    )


def test_a_program_that_ends_without_a_word_has_run() -> None:
    ended = "otelcol-agent.check.service: Main process exited, code=exited, status=1/FAILURE"
    assert explain_unstarted(f"Starting …\n{ended}\n") == ("", [ended])
    assert explain_unstarted("") == ("", [])
