# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.service_kinds import (
    is_external_name,
    is_headless,
)


@pytest.mark.parametrize(
    ("spec", "headless", "alias"),
    [
        ({"clusterIP": "None"}, True, False),
        ({"clusterIP": "10.0.0.1", "type": "ClusterIP"}, False, False),
        ({"type": "ExternalName", "externalName": "otlp.example.com"}, False, True),
        ({}, False, False),
        (None, False, False),
    ],
)
def test_a_service_without_an_address_of_its_own_is_told(spec: Any, headless: bool, alias: bool) -> None:
    assert (is_headless({"spec": spec}), is_external_name({"spec": spec})) == (headless, alias)
