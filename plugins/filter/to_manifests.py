# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filter to_manifests, which writes Kubernetes objects as YAML. `plugin_utils/_objects.py` does the work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ..plugin_utils._objects import dump_objects
from ..plugin_utils._value_shapes import SHAPES, find_shape

DOCUMENTATION = r"""
name: to_manifests
short_description: Write Kubernetes objects as YAML
version_added: 1.0.0
author: The o11y.opentelemetry maintainers (@o11y)
description:
  - Writes a list of objects as one text with a YAML document for each, keys in their own order.
  - That is for files in a repository, or for C(kubectl).
  - Text that some YAML reader would take for a number or a boolean is quoted.
options:
  _input:
    description: The objects.
    type: list
    elements: dict
    required: true
  masked:
    description: Whether to replace the secrets that the objects hold in clear text, for output and logs.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Write the manifests to a file
  ansible.builtin.copy:
    content: "{{ rendered.manifests | o11y.opentelemetry.to_manifests }}"
    dest: manifests.yml
    mode: "0600"

- name: Show the manifests
  ansible.builtin.debug:
    msg: "{{ (rendered.manifests | o11y.opentelemetry.to_manifests(masked=true)).splitlines() }}"
"""

RETURN = r"""
_value:
  description: The YAML text.
  type: str
"""


def to_manifests(objects: Any, masked: bool = False) -> str:
    """Return objects as documents of YAML; `masked` ones show no secret.

    Raises AnsibleFilterError for anything else than a list of objects.
    """
    if objects is None or isinstance(objects, (str, Mapping)):
        raise _build_refusal(_describe_shape(objects))
    manifests = list(objects)  # another filter may yield them one after the other
    for manifest in manifests:
        if not isinstance(manifest, Mapping):
            raise _build_refusal(f"a list with {_describe_shape(manifest)}")
    return dump_objects(manifests, masked=masked)


def _describe_shape(value: Any) -> str:
    """Return what a value is, for people."""
    if value is None:
        return "null"
    return SHAPES[find_shape(value) or "text"].title


def _build_refusal(shape: str) -> AnsibleFilterError:
    fix = "Give a list such as `manifests` of what otel_render returned."
    return AnsibleFilterError(f"to_manifests takes a list of objects, and got {shape}. {fix}")


class FilterModule:
    """Tells Ansible the filters of this file."""

    def filters(self) -> dict[str, Any]:
        """Return each filter by its name."""
        return {"to_manifests": to_manifests}
