# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a cluster: which stage has what."""

from __future__ import annotations

from typing import Any

from ansible_collections.o11y.opentelemetry.plugins.module_utils._gitops.gitops_layout import (
    KUSTOMIZATION,
    build_file_tree,
    build_stages,
)

PLATFORM = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "platform"}}


def helm_product(name: str) -> Any:
    """Return a product that a chart installs into one namespace with others."""
    return {
        "name": name,
        "provider": "helm",
        "namespace_object": PLATFORM,
        "release": {"chart_values": {"chart": name}},
    }


def test_two_charts_in_one_namespace_have_their_values() -> None:
    """The Namespace is in the first stage alone; the second one has nothing else than values."""
    nothing: Any = {"collectors": [], "manifests": []}
    files = build_file_tree(build_stages(nothing, nothing, [helm_product("cert-manager"), helm_product("operator")]))
    assert files == {
        KUSTOMIZATION: [{**files[KUSTOMIZATION][0], "resources": ["cert-manager"]}],
        f"cert-manager/{KUSTOMIZATION}": [{**files[KUSTOMIZATION][0], "resources": ["namespace.yml"]}],
        "cert-manager/namespace.yml": files["cert-manager/namespace.yml"],
        "cert-manager/values.yml": [{"chart": "cert-manager"}],
        "operator/values.yml": [{"chart": "operator"}],
    }


def test_a_namespace_has_its_annotations_where_it_is_first_or_else_with_the_instrumentations() -> None:
    names = ("platform", "shop")
    annotated = [{**PLATFORM, "metadata": {"name": name, "annotations": {"inject": "yes"}}} for name in names]
    stages = build_stages(
        {"collectors": [], "manifests": []},
        {"manifests": [], "namespaces": annotated},
        [helm_product("cert-manager"), helm_product("operator")],
    )
    assert [(stage.name, dict(stage.files)) for stage in stages] == [
        ("cert-manager", {"namespace.yml": annotated[:1]}),
        ("operator", {}),
        ("instrumentation", {"namespaces.yml": annotated[1:]}),
    ]
