# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which texts of an option Ansible decrypted, so that they are secrets. Controller only. Private."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._otelcol._yaml import strip_ansible_types

try:
    # Newer versions of ansible-core tag a text that they decrypted, older ones keep what was encrypted. Neither is
    # promised: without both, no text counts as decrypted.
    from ansible._internal._datatag._tags import VaultedValue
except ImportError:
    VaultedValue = None


def find_decrypted_texts(value: Any) -> frozenset[str]:
    """Return the texts in a value that Ansible decrypted, as far as its version still knows."""
    if isinstance(value, str):
        return frozenset([strip_ansible_types(value)]) if _is_decrypted(value) else frozenset()
    decrypted_texts: set[str] = set()
    for entry in _child_values(value):
        decrypted_texts |= find_decrypted_texts(entry)
    return frozenset(decrypted_texts)


def _is_decrypted(text: str) -> bool:
    """Return whether Ansible decrypted a text."""
    if VaultedValue:
        return bool(VaultedValue.is_tagged_on(text))
    return hasattr(text, "_ciphertext")


def _child_values(value: Any) -> Iterable[Any]:
    """Return the values of a mapping, or the items of a list; nothing of any other value."""
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, (list, tuple)) else ()
