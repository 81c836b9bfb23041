# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no role renders is named, and never taken for nothing."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._gitops.gitops_inputs import (
    check_changes,
    check_rendered_parts,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "obs"}}
GATEWAY = {"namespace": "obs", "name": "gateway"}
HELM = {"name": "operator", "provider": "helm"}


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        ({"manifests": "kind: Namespace"}, r"it is no list .*collectors\.manifests"),
        ({"manifests": [5]}, r"it is no object of Kubernetes .*collectors\.manifests\[0\]"),
        ({"manifests": [NAMESPACE, {}]}, r"it is no object of Kubernetes .*collectors\.manifests\[1\]"),
        ({"manifests": [{"kind": "Namespace", "metadata": {}}]}, r"it is no object of Kubernetes"),
        ({"namespaces": [{"kind": "Namespace", "metadata": 5}]}, r"it is no object .*collectors\.namespaces\[0\]"),
        ({"collectors": [{"name": "gateway"}]}, r"it has no name and namespace .*collectors\.collectors\[0\]"),
        ({"collectors": ["gateway"]}, r"it has no name and namespace .*collectors\.collectors\[0\]"),
    ],
)
def test_a_part_that_no_role_renders_is_refused(part: dict[str, Any], fault: str) -> None:
    with pytest.raises(Problem, match=fault):
        check_rendered_parts({"collectors": part, "instrumentation": {}}, [])


def test_a_helm_release_needs_its_namespace() -> None:
    with pytest.raises(Problem, match=r"a Helm release needs its Namespace .*products\[0\]\.namespace_object"):
        check_rendered_parts({}, [HELM])
    check_rendered_parts({}, [{**HELM, "namespace_object": NAMESPACE}, {"name": "cert-manager", "provider": "olm"}])


def test_a_release_has_objects() -> None:
    release = {"manifests": [{"kind": "Deployment"}]}
    with pytest.raises(Problem, match=r"it is no object .*products\[0\]\.release\.manifests\[0\]"):
        check_rendered_parts({}, [{"name": "operator", "provider": "manifest", "release": release}])


def test_what_roles_render_is_taken() -> None:
    check_rendered_parts({"collectors": {"manifests": [NAMESPACE], "collectors": [GATEWAY]}, "instrumentation": {}}, [])


def test_a_change_says_what_it_is_about() -> None:
    row = {"subject": "Operator", "aspect": "image", "change": "added `a`"}
    check_changes([{"host": "a", "changes": [row]}])
    with pytest.raises(Problem, match=r"it has no text `aspect` .*clusters\[0\]\.changes\[1\]"):
        check_changes([{"host": "a", "changes": [row, {**row, "aspect": None}]}])
