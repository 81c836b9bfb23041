# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a manifest may be, and which places protect it."""

from __future__ import annotations

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.products import PRODUCTS
from ansible_collections.o11y.opentelemetry.plugins.module_utils._install.releases.version_numbers import Version
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._release import release_origins

PRODUCT, VERSION = PRODUCTS["cert-manager"], Version(1, 21, 2)


def test_a_manifest_is_looked_for_where_it_may_be() -> None:
    found = release_origins.list_origins
    assert found(PRODUCT, VERSION, "a.yaml", "/m") == ["a.yaml"]
    mirrored = [f"/m/cert-manager/{version}/cert-manager.yaml" for version in ("v1.21.2", "1.21.2")]
    assert found(PRODUCT, VERSION, "", "/m/") == mirrored
    (url,) = found(PRODUCT, VERSION, "", "")
    assert url == "https://github.com/cert-manager/cert-manager/releases/download/v1.21.2/cert-manager.yaml"


@pytest.mark.parametrize("origin", ["/a.yaml", "a.yaml", "https://x/a.yaml", "HTTPS://x/a.yaml", "file:///a.yaml"])
def test_what_nobody_can_change_on_the_way_is_protected(origin: str) -> None:
    release_origins.check_protection([origin], "Read it")


@pytest.mark.parametrize("origin", ["http://me:secret@x/a.yaml", "HTTP://x/a.yaml", "ftp://x/a.yaml"])
def test_an_address_that_protects_nothing_is_refused(origin: str) -> None:
    with pytest.raises(Problem, match=r"Read it: the connection does not protect the manifest.*at \w+://x/a") as error:
        release_origins.check_protection(["/a.yaml", origin], "Read it")
    assert "secret" not in str(error.value)
