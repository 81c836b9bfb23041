# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each form of a node says what can be below a setting."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.node_paths import (
    Existence,
    Node,
    find_existence,
    has_key_of_step,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.user_paths import parse_path_steps

from tests.support.cases import cases


@cases(
    "node, path, existence",
    ("s", ".", Existence.YES),
    ({"tls": {"insecure": "b"}}, "tls.insecure", Existence.YES),
    ({"tls": {"insecure": "b"}}, "*.in*", Existence.YES),
    ({"tls": {"insecure": "b"}}, "tlss", Existence.NO),
    ({"tls": {"insecure": "b"}}, "tls.insecure.a", Existence.NO),
    ({"*": "s"}, "x-tenant", Existence.YES),
    ({"...": ""}, "x-tenant", Existence.MAYBE),
    ({"...": "ignored"}, "x-tenant", Existence.NO),
    (["l", {"name": "s"}], "[0].name", Existence.YES),
    (["l", {"name": "s"}], "*.name", Existence.YES),
    (["l", {"name": "s"}], "name", Existence.NO),
    ("lm", "x-tenant", Existence.YES),
    ("lm", "[0].name", Existence.YES),
    ("lm", "x-tenant.a", Existence.NO),
    ("sm", "x-tenant", Existence.MAYBE),
    ("s", "x-tenant", Existence.NO),
    ("?", "x-tenant", Existence.MAYBE),
    ("#3", "x-tenant", Existence.YES),
    ("#4", "x-tenant", Existence.MAYBE),  # a label without a row
)
def test_a_node_says_whether_something_can_be_at_a_path(node: Node, path: str, existence: Existence) -> None:
    assert find_existence(node, parse_path_steps(path), {"#3": {"x-tenant": "s"}}) is existence


@cases("node, has_key", ({"tls": "s"}, True), ({"*": "s"}, False), ("m", True))
def test_a_mapping_has_the_key_of_a_step_only_if_it_names_the_key(node: Node, has_key: bool) -> None:
    (step,) = parse_path_steps("tls")
    assert has_key_of_step(node, step) is has_key
