# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a task ends: with a result, or with a message that shows no secret. Controller only. Private.

In a message, a line about a finding is indented. It begins with names: a file with a line, a severity and a rule. Names
stay, even one that is equal to a secret. For example, if the options of the task have the password `demo`, the second
line of a message becomes the third one here (`·` is a blank):

    1 error
    ··demo.yml:3: error [plaintext-secret] exporters: the password is demo
    ··demo.yml:3: error [plaintext-secret] exporters: the password is ********
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

# The blanks, the file, the severity and the rule at the beginning of a finding.
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
        facts = mask_tree(problem.facts, mask_secrets)
        # Ansible shows the cause of an exception too.
        raise AnsibleActionFail(message, result=facts) from None


def _mask_message(message: str, mask_secrets: Callable[[str], str]) -> str:
    """Return a message without secrets.

    In names at the beginning of findings, only what has the shape of a secret is concealed: a name may be the same text
    as a secret of the options.
    """
    masked_parts: list[str] = []
    text_start = 0
    for names in _NAMES_OF_FINDING.finditer(message):
        masked_parts += [mask_secrets(message[text_start : names.start()]), conceal_secrets(names[1])]
        text_start = names.end()
    return "".join([*masked_parts, mask_secrets(message[text_start:])])


def hide_if_secret(result: dict[str, Any], result_key: str = "manifests") -> dict[str, Any]:
    """Return a result. Ansible hides it from output and logs if the objects at `result_key` hold readable secrets."""
    first_secret = next(find_secrets_in_objects(result.get(result_key) or [], _yaml.parse_or_none), None)
    has_secrets = first_secret is not None
    return {**result, "has_secrets": has_secrets, "_ansible_no_log": has_secrets}
