# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.testing import (
    planted_records,
    policies,
)

from tests.support.cases import cases

from .planted_config import PLAN, SPAN

LINE = {"body": next(iter(PLAN.given_parts[1]["files"].values()))}


def test_every_receiver_gets_a_record_of_each_signal_with_secrets_of_every_kind() -> None:
    assert [set(part) for part in PLAN.given_parts] == [{"to", "spans"}, {"files"}]
    for name in {secret.record_name for secret in PLAN.secrets}:
        assert {secret.kind for secret in PLAN.secrets if secret.record_name == name} == set(policies.SECRET_KINDS)
    assert len({secret.value for secret in PLAN.secrets}) == len(PLAN.secrets)
    text = str(SPAN) + str(LINE)
    assert all(secret.value in text for secret in PLAN.secrets)


def test_planted_values_look_like_what_a_policy_forbids() -> None:
    rule = policies.Policy("p", forbidden_kinds=tuple(policies.SECRET_KINDS))
    said = "".join(policies.find_policy_breaches([rule], {"e": {"spans": [SPAN]}}))
    assert all(looks in said for looks, _recognizes in policies.SECRET_KINDS.values())


@cases(
    "include, operators, path",
    (["/var/log/pods/*/*/*.log"], [{"type": "container"}], f"/var/log/pods/{planted_records._PLANTED_POD}/0/0.log"),
    (["/var/log/*.log", "/x"], [], "/var/log/0.log"),
    (["/a/**/b[0-9]?.log"], ["x"], "/a/0/b00.log"),
    ([], None, "/planted.log"),
    ("x", None, "/planted.log"),
)
def test_a_line_is_where_file_log_reads(include: Any, operators: Any, path: str) -> None:
    found = planted_records.plant_file({"include": include, "operators": operators}, "text")
    assert list(found) == [path]
    assert found[path].endswith("stdout F text") is bool(operators and operators != ["x"])
