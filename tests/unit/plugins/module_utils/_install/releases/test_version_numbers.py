# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases import version_numbers
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.version_numbers import Version
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ...helpers import cases


@cases(
    "text, expected",
    ("v1.21.2", (1, 21, 2)),
    ("1.21", (1, 21, 0)),
    (" 0.64.0-rc.1", (0, 64, 0)),
    ("v1.34.4-eks-abc", (1, 34, 4)),
    ("latest", None),
    ("", None),
)
def test_versions_are_read_as_projects_write_them(text: str, expected: tuple[int, ...] | None) -> None:
    assert version_numbers.parse_release_version(text) == expected


def test_a_version_is_written_with_and_without_its_v_and_an_upgrade_passes_through_minor_versions() -> None:
    found = version_numbers.require_version("v1.2", "x")
    assert (str(found), found.tag, found.minor_line) == ("1.2.0", "v1.2.0", "1.2")
    with pytest.raises(Problem, match=r"'latest' is not a version of cert-manager\. Write it like v1\.2\.3\."):
        version_numbers.require_version("latest", "cert-manager")
    assert version_numbers.list_minor_versions(Version(1, 18, 2), Version(1, 21, 0)) == ["1.19", "1.20", "1.21"]
    assert version_numbers.list_minor_versions(Version(1, 21, 0), Version(1, 21, 2)) == []
    assert version_numbers.list_minor_versions(Version(0, 9, 0), Version(1, 2, 0)) == ["1.2"]
