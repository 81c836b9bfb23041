# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a collector as the user wrote them, each with the file and the line in which it stands. Private.

Findings name these lines, such as `hosts.yml:12`. `_cluster_options.py` and `_host_options.py` read them beside the
options that are checked and have their defaults, as those are copies without lines. `_origins.py` reads the lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ._decrypted_texts import find_decrypted_texts


@dataclass(frozen=True)
class WrittenOptions:
    """The options that a finding has to locate, as the user wrote them."""

    config: Any
    """The option `config`; an empty mapping if it is not given."""
    recipes: Any
    """The option `recipes`; an empty list if it is not given."""
    decrypted: frozenset[str]
    """The texts in its config and its variables that Ansible decrypted."""


def read_written_options(collector_item: Mapping[str, Any], common_options: Mapping[str, Any]) -> WrittenOptions:
    """Return what the user wrote for a collector.

    `collector_item` is its item of the list of collectors. A key of it hides the common option, also with null.
    """
    given_options = {**common_options, **collector_item}
    config = given_options.get("config") or {}
    recipes = given_options.get("recipes") or []
    decrypted_texts = find_decrypted_texts([config, given_options.get("env")])
    return WrittenOptions(config, recipes, decrypted_texts)
