# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the messages of `otelcol validate` are about. Private.

`_second_opinion.py` makes findings of the messages; here is the path in the config that a message names.
"""

from __future__ import annotations

import re
from typing import Any

from ...module_utils._otelcol.config.paths import Path, value_at

# Above each expression is a message that it reads.
# open /etc/otel/key.pem: no such file or directory
_LOCAL_FILE_ERROR = re.compile(r"directory must exist|no such file or directory|failed to load TLS|is not a directory")
# 'exporters' unknown type: "debug" for id: "debug" (valid values: [otlp_grpc nop])
_VALID_VALUES = re.compile(r"\s?\(valid values: \[[^\][]*\]\)")
# service::pipelines::traces: references exporter "x" which is not configured
_COLON_PATH = re.compile(r"(?<![a-z_])[a-z_]++(?:::[^\s:,'\"]+)+")
# 'exporters' error reading configuration for "debug": 'verbosity' has invalid keys: a
_QUOTED_COMPONENT = re.compile(r"'([a-z]+)'[^']{0,100}?\bfor (?:id: )?\"([^\"]+)\"", re.DOTALL)
# failed to create "debug" exporter for data type "traces": open /x: permission denied
_FAILED_COMPONENT = re.compile(r"failed to create \"([^\"]+)\" (receiver|processor|exporter|connector|extension)")
# 'otelcol.configSettings' has invalid keys: exporter
_UNKNOWN_TOP_LEVEL_KEY = re.compile(r"'otelcol\.configSettings' has invalid keys: (\w+)")
_MISSING = object()


def remove_valid_values(message: str) -> str:
    """Return a message without its list of all types of the build, which may be a hundred."""
    return _VALID_VALUES.sub("", message)


def may_apply_only_here(message: str) -> bool:
    """Return whether an error may apply only to this machine: the files exist where the collector will run."""
    return bool(_LOCAL_FILE_ERROR.search(message))


def find_path_in_message(message: str, config: Any) -> Path:
    """Return the path in the config that a message names; empty if it names none.

    Of a path that the config has in part, such as one to a missing setting, it is the part that the config has.
    """
    for named_path in _list_named_paths(message):
        path = named_path
        while path and value_at(config, path, _MISSING) is _MISSING:
            path = path[:-1]
        if path:
            return path
    return ()


def _list_named_paths(message: str) -> list[Path]:
    """Return what may be a path in a message, in the order in which it is looked at."""
    paths: list[Path] = [tuple(text.split("::")) for text in _COLON_PATH.findall(message)]
    paths += _QUOTED_COMPONENT.findall(message)
    paths += [(f"{kind}s", component_id) for component_id, kind in _FAILED_COMPONENT.findall(message)]
    paths += [(key,) for key in _UNKNOWN_TOP_LEVEL_KEY.findall(message)]
    return paths
