# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a task ends: with a result, or with a message that shows no secret. Controller only. Private.

In a message, a line about a finding is indented. It begins with names: a file, a path and a rule. Names stay, even one
that is equal to a secret. If the options of the task have the password `demo`, the first line becomes the second one:

    demo.yml:3: error [plaintext-secret] exporters: the password is demo
    demo.yml:3: error [plaintext-secret] exporters: the password is ********
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ansible.errors import AnsibleActionFail

from ..module_utils._otelcol.config.masking import conceal_secrets, make_masker, mask_tree
from ..module_utils._otelcol.config.object_secrets import find_secrets_in_objects
from ..module_utils._otelcol.errors import Problem
from ._otelcol import _yaml

# The blanks, the place, the severity and the rule at the beginning of a finding. Names may be the same as a secret.
_NAMES_OF_FINDING = re.compile(r"^( +\S[^\n]*?: (?:error|warning|info) \[[\w-]+\] )", re.MULTILINE)


def answer_or_fail_task(produce_result: Callable[[], dict[str, Any]], arguments: Any) -> dict[str, Any]:
    """Return the result of the work. A Problem becomes a failed task, whose message shows no secret of `arguments`."""
    with turn_problems_into_failure(arguments):
        return {"changed": False, **produce_result()}


@contextmanager
def turn_problems_into_failure(arguments: Any = None) -> Iterator[None]:
    """Let a Problem become a failed task, whose message and facts show no secret of `arguments`."""
    try:
        yield
    except Problem as problem:
        mask_secrets = make_masker(find_secrets_in_objects(arguments, _yaml.parse_or_none))
        message = _mask_message(str(problem), mask_secrets)
        facts = mask_tree(problem.facts, lambda text: conceal_secrets(mask_secrets(text)))
        # Ansible shows the cause of an exception too.
        raise AnsibleActionFail(message, result=facts) from None


def _mask_message(message: str, mask_secrets: Callable[[str], str]) -> str:
    """Return a message without secrets. Names at the beginning of findings stay as they are."""
    masked_parts: list[str] = []
    for index, message_part in enumerate(_NAMES_OF_FINDING.split(message)):
        is_names = index % 2 == 1  # `split` returns a text, names, a text, names, and a text
        masked_parts.append(conceal_secrets(message_part) if is_names else mask_secrets(message_part))
    return "".join(masked_parts)


def hide_if_secret(result: dict[str, Any], result_key: str = "manifests") -> dict[str, Any]:
    """Return a result. Ansible hides it from output and logs if the objects at `result_key` hold readable secrets."""
    first_secret = next(find_secrets_in_objects(result.get(result_key) or [], _yaml.parse_or_none), None)
    has_secrets = first_secret is not None
    return {**result, "has_secrets": has_secrets, "_ansible_no_log": has_secrets}
