# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of labels and annotations become text, and what Kubernetes would refuse is named."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import Problem
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.kube.text_values import check_texts


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (8888, "8888"), (1.5, "1.5"), ("x", "x"), ("", "")])
def test_all_values_of_metadata_are_text(value: Any, text: str) -> None:
    assert check_texts("labels", {"a": value, 1: "x"}) == {"a": text, "1": "x"}


@pytest.mark.parametrize("value", [None, [], {}])
def test_a_value_that_cannot_be_text_is_refused_with_its_key(value: Any) -> None:
    with pytest.raises(Problem, match=r"labels has a value that is not text, that of 'a'\. Give text for each key\."):
        check_texts("labels", {"a": value})


@pytest.mark.parametrize("key", ["", "-a", "a b", "x" * 64, "Example.com/a", "/a/b", "example.com/"])
def test_a_key_that_kubernetes_refuses_is_named(key: str) -> None:
    with pytest.raises(Problem, match="is not a valid key"):
        check_texts("annotations", {key: "x"})


def test_only_labels_need_the_values_of_labels() -> None:
    assert check_texts("annotations", {"example.com/a": "b c", "b": ""}) == {"example.com/a": "b c", "b": ""}
    assert check_texts("labels", {"a": ""}, labels=True) == {"a": ""}
    with pytest.raises(Problem, match=r"'b c' is not a valid value of the label 'example\.com/a'"):
        check_texts("labels", {"example.com/a": "b c"}, labels=True)
