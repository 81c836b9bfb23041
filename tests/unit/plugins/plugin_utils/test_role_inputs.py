# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that do not fit the inputs of roles fail the run before it begins."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils import _role_inputs

from tests.support.cases import cases


@cases(
    "given, wrong",
    ("otel_colector", "option 'inputs[0]' of module cluster_check is 'otel_colector'; did you mean 'otel_collector'?"),
    (["otel_identity", "../roles/otel_identity"], "option 'inputs[1]' of module cluster_check is '../roles/otel_id"),
    (["o11y.opentelemetry.otel_operator"], "did you mean 'otel_operator'?"),
    (["x"], "is 'x'. Write a role of this collection: cert_manager, otel_collector, otel_host, otel_"),
    ([""], "option 'inputs[0]' of module cluster_check is ''"),
    ([{"role": "otel_operator"}], "option 'inputs[0]' of module cluster_check must be text, not a mapping"),
    ({"otel_operator": {}}, "option 'inputs' of module cluster_check must be a list, not a mapping"),
    (True, "option 'inputs' of module cluster_check must be a list, not true or false"),
    (5, "option 'inputs[0]' of module cluster_check is '5'"),
    ("otel_operator, otel_identiti", "option 'inputs[1]' of module cluster_check is 'otel_identiti'; did you mean"),
)
def test_inputs_of_what_is_no_role_are_told(given: Any, wrong: str) -> None:
    with pytest.raises(AnsibleActionFail) as raised:
        _role_inputs.check_inputs(given, {}, lambda value: value)
    assert wrong in str(raised.value)


def test_inputs_are_a_list_or_a_text_as_ansible_makes_a_list_of_it() -> None:
    wrong = {"otel_operator_provider": "helmet"}
    for given in ("otel_identity,otel_operator", ["otel_operator"], "otel_operator"):
        with pytest.raises(AnsibleActionFail, match="helmet"):
            _role_inputs.check_inputs(given, wrong, lambda value: value)
    for given in ([], "", None, "otel_identity"):
        _role_inputs.check_inputs(given, wrong, lambda value: value)
