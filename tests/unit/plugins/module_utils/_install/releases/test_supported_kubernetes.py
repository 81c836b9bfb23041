# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.supported_kubernetes import (
    Incompatibility,
    find_incompatibility,
    list_supporting_versions,
    list_version_warnings,
    warn_if_not_in_table,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.version_numbers import Version

from .samples import CERTIFIER, OPERATING, TABLE


def test_versions_are_made_for_some_versions_of_kubernetes_and_those_that_fit_are_offered_newest_first() -> None:
    for cluster, fits in (("v1.33.1", True), ("v1.36.0", True), ("v1.32.9", False), ("", True)):
        assert (find_incompatibility(TABLE, CERTIFIER, Version(1, 21, 9), cluster) is None) is fits
    assert warn_if_not_in_table(TABLE, OPERATING, Version(0, 158, 7)) == ""
    assert "0.159.0 is not in the table" in warn_if_not_in_table(TABLE, OPERATING, Version(0, 159, 0))
    assert list_supporting_versions(TABLE, CERTIFIER, "v1.32.0") == ["1.20", "1.19"]
    assert list_supporting_versions(TABLE, OPERATING, "v1.36.0") == ["0.158.0"]


def test_a_cluster_that_is_newer_than_a_version_is_told_apart() -> None:
    newer = find_incompatibility(TABLE, CERTIFIER, Version(1, 21, 9), "v1.37.0")
    assert newer == Incompatibility(
        "cert-manager 1.21.9 is for Kubernetes 1.33 to 1.36, and this cluster is 1.37, which is newer", True
    )
    warnings = list(list_version_warnings(TABLE, CERTIFIER, Version(1, 99, 0), "v1.32.0"))
    assert [warning.partition(" in the ")[0] for warning in warnings] == ["cert-manager 1.99.0 is not"]
