# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as text: in labels, annotations and variables, Kubernetes takes nothing else. Private.

A user may write `{debug: true, retries: 3}`, which becomes `{"debug": "true", "retries": "3"}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import Problem
from .names import LONGEST_LABEL

# The name in the key of a label or an annotation, and the value of a label. Both have at most `LONGEST_LABEL`
# characters. Source: validation of k8s.io/apimachinery/pkg/util/validation, as of the next one.
_LABEL_PATTERN = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?\Z")
# The domain that may stand before the name of a key, as in `example.com/team`.
_DOMAIN_PATTERN = re.compile(r"([a-z0-9][-a-z0-9.]{0,252})?\Z")


def text_value(value: Any) -> str:
    """Return a value as Kubernetes takes it in labels, annotations and variables: `true` for true."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def variable_text(value: Any) -> str:
    """Return the value of a variable as a process gets it in a pod and on a host: `true`, and empty text for null."""
    return "" if value is None else text_value(value)


def check_texts(subject: str, values: Mapping[str, Any], *, labels: bool = False) -> dict[str, str]:
    """Return a mapping with all its values as text. Raises Problem for what Kubernetes refuses in it.

    `subject` is what the mapping is, such as `annotations`. With `labels`, its values must be values of labels too.
    """
    for key, value in values.items():
        if value is None or isinstance(value, (dict, list)):
            raise Problem(f"{subject} has a value that is not text, that of '{key}'", fix="Give text for each key.")
        _check_key(subject, str(key))
        if labels:
            _check_label_value(subject, str(key), text_value(value))
    return {str(key): text_value(value) for key, value in values.items()}


def _check_key(subject: str, key: str) -> None:
    """Raise Problem for what is no key of a label or an annotation, such as `team` or `example.com/team`."""
    domain, _slash, name = key.rpartition("/")
    if not _is_label_text(name) or not _DOMAIN_PATTERN.match(domain):
        fix = f"Use at most {LONGEST_LABEL} letters, digits, dashes, underscores and dots, after `DOMAIN/` or alone."
        raise Problem(f"'{key}' is not a valid key", where=subject, fix=fix)


def _check_label_value(subject: str, key: str, value_text: str) -> None:
    """Raise Problem for what is no value of a label. An empty one is."""
    if value_text and not _is_label_text(value_text):
        fix = f"Use at most {LONGEST_LABEL} letters, digits, dashes, underscores and dots, or an annotation."
        raise Problem(f"'{value_text}' is not a valid value of the label '{key}'", where=subject, fix=fix)


def _is_label_text(text: str) -> bool:
    """Whether a text may be the name in a key, or the value of a label."""
    return bool(_LABEL_PATTERN.match(text)) and len(text) <= LONGEST_LABEL
