# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which texts of an inventory are templates: those that we wrote, and none that another system says. Private.

ansible-core 2.19 and newer take a text for a template only if it is marked; 2.18 takes each text that is not marked as
unsafe. Source: ansible.template.trust_as_template, ansible.utils.unsafe_proxy.
"""

from __future__ import annotations

from typing import Any

from ansible.utils.unsafe_proxy import wrap_var

try:
    from ansible.template import trust_as_template
except ImportError:
    trust_as_template = None


def mark_as_template(value: str) -> str:
    """Return a text that Ansible takes for a template."""
    return str(value) if trust_as_template is None else trust_as_template(value)


def mark_as_data(value: Any) -> Any:
    """Return a value whose texts are never templates."""
    return wrap_var(value) if trust_as_template is None else value
