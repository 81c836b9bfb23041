# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a task ends: with a result, or with a message that shows no secret. Controller only. Private.

A line about a finding begins with names: a file, a path and a rule. Names stay, even one that is equal to a secret. If
the options of the task have the password `demo`, the first line becomes the second one:

    demo.yml:3: error [plaintext-secret] exporters: the password is demo
    demo.yml:3: error [plaintext-secret] exporters: the password is ********
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ansible.errors import AnsibleActionFail

from ..module_utils._otelcol.config.config_secrets import secrets_in_objects
from ..module_utils._otelcol.config.masking import concealed, masked_tree, masker
from ..module_utils._otelcol.errors import Problem
from ._otelcol import _yaml

# The place, the path and the rule at the beginning of a finding: names, which may be the same as a secret.
_NAMES = re.compile(r"^( +\S[^\n]*?: (?:error|warning|info) \[[\w-]+\] )", re.MULTILINE)


def answer_or_fail(work: Callable[[], dict[str, Any]], arguments: Any) -> dict[str, Any]:
    """Return the result of the work. A Problem becomes a failed task, whose message shows no secret of `arguments`."""
    with problems_fail_task(arguments):
        return {"changed": False, **work()}


@contextmanager
def problems_fail_task(arguments: Any = None) -> Iterator[None]:
    """Let a Problem become a failed task, whose message and facts show no secret of `arguments`."""
    try:
        yield
    except Problem as problem:
        mask = masker(secrets_in_objects(arguments, _yaml.parsed))
        message = _masked_message(str(problem), mask)
        facts = masked_tree(problem.facts, lambda text: concealed(mask(text)))
        # Ansible shows the cause of an exception too.
        raise AnsibleActionFail(message, result=facts) from None


def _masked_message(message: str, mask: Callable[[str], str]) -> str:
    """Return a message without secrets. Names at the beginning of findings stay as they are."""
    shown: list[str] = []
    for index, part in enumerate(_NAMES.split(message)):
        is_names = index % 2 == 1  # `split` returns a text, names, a text, names, and a text
        shown.append(concealed(part) if is_names else mask(part))
    return "".join(shown)


def hidden_if_secret(result: dict[str, Any], part: str = "manifests") -> dict[str, Any]:
    """Return a result. Ansible hides it from output and logs if this part of it holds secrets in clear text."""
    first_secret = next(secrets_in_objects(result.get(part) or [], _yaml.parsed), None)
    has_secrets = first_secret is not None
    return {**result, "has_secrets": has_secrets, "_ansible_no_log": has_secrets}
