# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that are secrets are found among the options of a module, and its words are left alone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._kube.option_secrets import (
    ALL_SECRET,
    build_secret_remover,
    list_option_secrets,
)

NAME = {"name": "gateway", "namespace": "opentelemetry"}


def secret(**values: str) -> dict[str, Any]:
    return {"manifests": [{"kind": "Secret", "apiVersion": "v1", "metadata": NAME, "stringData": values}]}


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (secret(login="planted-1", size="1", path="/"), {"planted-1"}),
        (secret(login="planted-2\n"), {"planted-2\n", "planted-2"}),
        (secret(login="opentelemetry"), set()),  # the name of the namespace, which all output has
        (secret(login="stringData"), set()),
        ({"headers": {"Authorization": "planted-3", "X-Scope-OrgID": "tenant-blue"}}, {"planted-3"}),
        ({"kubeconfig": {"users": [{"name": "default", "user": {"token": "planted-4"}}]}}, {"planted-4"}),
        ({"configuration_values": {"apiKey": "planted-5", "replicas": 1}}, {"planted-5"}),
        ({"change": {"opentelemetry/gateway": {"strategy": "canary"}}}, set()),
        ({"manifests": "{{ a template }}"}, set()),
        ({"manifests": ["text", 1, None]}, set()),
    ],
)
def test_secrets_of_options(options: dict[str, Any], found: set[str]) -> None:
    assert list_option_secrets(options, lambda _text: None) == found


def test_a_result_has_no_secret_and_all_its_words() -> None:
    visible = build_secret_remover(["planted-1", ""])
    assert visible({"a": ["planted-1", "of planted-1.", 1, None, True], "planted-1": {"b": "words"}}) == {
        "a": [ALL_SECRET, "of ********.", 1, None, True],
        "planted-1": {"b": "words"},
    }
    assert visible(7) == 7
    assert build_secret_remover([])({"a": "words"}) == {"a": "words"}
