# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle as data: what no server accepts, and the values that no message may contain."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube import bundle
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem

from ..helpers import cases


def obj(kind: Any, name: Any = "a", namespace: Any = "ns", **more: Any) -> Any:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **more.pop("metadata", {})}
    return {"apiVersion": more.pop("api", "v1"), "kind": kind, "metadata": metadata, **more}


@cases(
    "manifests, words",
    ([{"kind": "ConfigMap", "metadata": {"name": "a"}}], "no apiVersion"),
    ([{"apiVersion": "v1", "metadata": {"name": "a"}}], "no kind"),
    ([{"apiVersion": "v1", "kind": "ConfigMap"}], "no metadata.name"),
    ([obj("ConfigMap"), obj("ConfigMap")], "twice"),
)
def test_what_no_server_could_accept_is_refused(manifests: Any, words: Any) -> None:
    with pytest.raises(Problem, match=words):
        bundle.check_manifests(manifests)


def test_values_of_secrets_are_named_whatever_their_form() -> None:
    secret = {"kind": "Secret", "data": "hush", "stringData": ["a"]}
    assert list(bundle.list_secret_values([secret, obj("ConfigMap", data={"a": "b"})])) == ["hush", "['a']"]
