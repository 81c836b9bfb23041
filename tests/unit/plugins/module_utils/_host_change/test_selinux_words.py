# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What SELinux needs is told where it is enforced, and only as long as it is missing."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._host_change.selinux_words import (
    context_type,
    describe_type_fix,
    is_enforcing,
)

OWN = "/opt/otelcol/contrib-0.158.0-abc/otelcol-contrib"


@pytest.mark.parametrize(("said", "wanted"), [("1", True), ("1\n", True), ("0", False), ("", False)])
def test_the_kernel_says_whether_it_enforces(said: str, wanted: bool) -> None:
    assert is_enforcing(said) is wanted


@pytest.mark.parametrize(
    ("context", "wanted"),
    [
        (b"system_u:object_r:bin_t:s0\0", "bin_t"),
        (b"unconfined_u:object_r:usr_t:s0", "usr_t"),
        (b"system_u:object_r:container_file_t:s0:c1,c2\0", "container_file_t"),
        (b"unlabeled", ""),
        (b"", ""),
    ],
)
def test_the_type_is_the_third_part_of_a_context(context: bytes, wanted: str) -> None:
    assert context_type(context) == wanted


@pytest.mark.parametrize("found", ["bin_t", "otelcol_exec_t"])
def test_a_program_that_may_start_needs_no_words(found: str) -> None:
    assert describe_type_fix(OWN, found, is_own_program=True) == ""


def test_the_words_have_the_commands_for_all_versions_of_a_program() -> None:
    said = describe_type_fix(OWN, "usr_t", is_own_program=True)
    assert f"{OWN} has the type usr_t" in said
    assert "`semanage fcontext -a -t bin_t '/opt/otelcol/[^/]+/otelcol-contrib'`" in said
    assert "gets the type of its folder" in describe_type_fix(OWN, "", is_own_program=True)
    assert "-t bin_t '/home/ops/otelcol'`" in describe_type_fix(
        "/home/ops/otelcol", "user_home_t", is_own_program=False
    )
