# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values for the variables of a config, so that a real Collector can read it and gets nothing of this machine. Private.

A placeholder is such a value. It has the shape that its setting takes, by the catalogue; else the one that the name of
the setting or the text around the variable suggests. An open reference is a variable without a default.
`otelcol validate`, tests and forecasts run with these values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...module_utils._otelcol.config.paths import Path, iter_leaves
from ...module_utils._otelcol.config.variable_references import REFERENCE_PATTERN
from ...module_utils._otelcol.needs.needed_variables import DOWNWARD_FIELDS
from ...module_utils._otelcol.rules.build_facts import TargetBuild

# What Kubernetes and AWS give every pod, and what components ask of it when they are created.
_POD_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "placeholder",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_REGION": "us-east-1",
    "AWS_SECRET_ACCESS_KEY": "placeholder",
    "HOME": "/",
    "HOSTNAME": "pod",
    "KUBERNETES_SERVICE_HOST": "127.0.0.1",
    "KUBERNETES_SERVICE_PORT": "443",
    **dict.fromkeys(DOWNWARD_FIELDS, "placeholder"),
}
_TEXT, _HOST, _PORT, _NUMBER, _SWITCH = "placeholder", "localhost", "4317", "10", "true"
# A value of the right shape, by the end of its key. The first that matches counts.
_VALUE_BY_KEY_END = tuple(
    (re.compile(rf"(?:\A|_|\b)(?:{ends})\Z", re.IGNORECASE), value)
    for ends, value in (
        ("interval|timeout|ttl|delay|period|duration|age|window|wait|backoff|since", "10s"),
        ("ports?", _PORT),
        ("percent(?:age)?", "50"),
        ("limit_mib", "400"),
        ("spike_limit_mib", "100"),
        ("size|limit|count|num|number|max|min|consumers|workers|retries|mib|bytes|length|factor|items|attempts", "1"),
        ("enabled|insecure|insecure_skip_verify|disabled|auto_create", "true"),
        ("timezone|time_zone|location|zone", "UTC"),
        ("region", "us-east-1"),
        ("arn|role_arn|resource_arn", "arn:aws:iam::123456789012:role/placeholder"),
        ("path|file|directory|dir|filename|filepath", "/tmp/placeholder"),
        ("level", "info"),
        ("verbosity", "basic"),
    )
)
_ADDRESS_KEY = re.compile(
    r"(?:\A|_|\b)(?:endpoints?|urls?|address|addr|uri|brokers?|servers?|listen_address)\Z", re.IGNORECASE
)
# The keys of a path that name a component: its section and its id. Its settings are below.
_COMPONENT_KEYS = 2


def build_placeholder_environment(config: Any, target: TargetBuild | None) -> dict[str, str]:
    """Return a placeholder for every variable without a default, so that no value of this machine is used."""
    placeholders: dict[str, str] = {}
    for path, text in iter_leaves(config):
        for match in _find_open_references(text):
            name = match[1]
            if placeholders.get(name, _TEXT) == _TEXT:
                placeholders[name] = _choose_placeholder(path, text, match.span(), target)
    return {**placeholders, **_POD_ENVIRONMENT}


def needs_outside_value(value: Any) -> bool:
    """Return whether a value has a variable without a default."""
    return any(_find_open_references(value))


def _find_open_references(text: Any) -> Iterator[re.Match[str]]:
    """Yield the variables of a value that need one from outside."""
    matches = REFERENCE_PATTERN.finditer(text) if isinstance(text, str) else ()
    return (match for match in matches if match[1] and match[2] is None)


@dataclass(frozen=True)
class _Variable:
    """A variable in a config: the path of its setting, and the text before and after it in the same value."""

    path: Path
    text_before: str
    text_after: str
    target: TargetBuild | None

    @property
    def setting_name(self) -> str:
        """The name of the setting; of an item of a list, the name of the list."""
        return next((part for part in reversed(self.path) if isinstance(part, str)), "")

    @property
    def is_part_of_text(self) -> bool:
        """Whether the value has more than the variable, so that it is text."""
        return bool(self.text_before or self.text_after)

    @property
    def is_port_part(self) -> bool:
        """Whether it follows a host, which another variable may give."""
        return self.text_before.endswith(":") or (self.text_before.endswith("}") and not self.text_after)

    @property
    def is_host_part(self) -> bool:
        return self.text_after.startswith(":") or self.text_before.endswith(("://", "@")) or self.is_address

    @property
    def is_address(self) -> bool:
        return bool(_ADDRESS_KEY.search(self.setting_name))

    @property
    def suggested_value(self) -> str:
        """The value that the name of the setting suggests; empty text if it suggests none."""
        return next((value for pattern, value in _VALUE_BY_KEY_END if pattern.search(self.setting_name)), "")

    @cached_property
    def shape_letters(self) -> str:
        """The letters of the shapes that the setting takes; empty text if they are unknown."""
        return _find_shape_letters(self.path, self.target)

    @property
    def needs_other_than_text(self) -> bool:
        return bool(self.shape_letters) and "s" not in self.shape_letters


# The value of a variable, by what is known of it. The first row that fits counts.
_VALUES_IN_TEXT: tuple[tuple[Callable[[_Variable], bool], str], ...] = (
    (lambda variable: variable.is_port_part, _PORT),
    (lambda variable: variable.is_host_part, _HOST),
)
_VALUES_WITHOUT_TEXT: tuple[tuple[Callable[[_Variable], bool], str], ...] = (
    (lambda variable: "b" in variable.shape_letters, _SWITCH),
    (lambda variable: "l" in variable.shape_letters, f"[{_TEXT}]"),
    (lambda variable: not variable.suggested_value.isdigit(), _NUMBER),
)
_VALUES_ALONE: tuple[tuple[Callable[[_Variable], bool], str], ...] = (
    (lambda variable: variable.is_address and variable.path[0] == "exporters", f"http://{_HOST}:{_PORT}"),
    (lambda variable: variable.is_address, f"{_HOST}:{_PORT}"),
    (lambda variable: not variable.suggested_value and variable.shape_letters.startswith("d"), "10s"),
)


def _choose_placeholder(path: Path, text: str, span: tuple[int, int], target: TargetBuild | None) -> str:
    """Return a value of the shape that the setting at a path takes, or that the text around the variable suggests."""
    variable = _Variable(path, text[: span[0]], text[span[1] :], target)
    if variable.is_part_of_text:
        candidates, default = _VALUES_IN_TEXT, _TEXT
    elif variable.needs_other_than_text:
        candidates, default = _VALUES_WITHOUT_TEXT, variable.suggested_value
    else:
        candidates, default = _VALUES_ALONE, variable.suggested_value or _TEXT
    return next((value for is_fitting, value in candidates if is_fitting(variable)), default)


def _find_shape_letters(path: Path, target: TargetBuild | None) -> str:
    """Return the letters of the shapes that the catalogue knows for a setting; empty text if it knows none.

    What it knows is a node: text, a list or a mapping. Text has the letters, and behind `=` or `~` the valid words, as
    `s=gzip|none` has; `?` is anything. A list is `[letters, node of an element]`. A mapping has a node for each key,
    and `*` for any other key; in its place may be its label, which begins with `#`. Source: tools/catalogue/README.md.
    """
    if target is None or len(path) <= _COMPONENT_KEYS:
        return ""
    section, component_id, *keys = path
    row = target.catalogue.find_fields(str(section), str(component_id).partition("/")[0], target.version)
    node: Any = row["fields"] if row else None
    for key in keys:
        node = _child_node(_resolve_label(node, target), key)
    if isinstance(node, list):
        return str(node[0])
    is_known = isinstance(node, str) and node[:1] not in "?#"
    return re.split("[=~]", node)[0] if is_known else ""


def _resolve_label(node: Any, target: TargetBuild) -> Any:
    """Return the mapping for which a label stands; other nodes as they are, but nothing for text."""
    return target.catalogue.shared_fields.get(node) if isinstance(node, str) else node


def _child_node(node: Any, key: Any) -> Any:
    """Return the node of a key, or of an element of a list; None below text."""
    if isinstance(node, list):
        return node[1]
    return node.get(key, node.get("*")) if isinstance(node, dict) else None
