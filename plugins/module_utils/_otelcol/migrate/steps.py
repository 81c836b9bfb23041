# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All steps of a migration, in their order. `_migration_steps.py` applies them to a config one after the other.

Each step searches the config for one kind of thing that the target version does not accept. It sees the config as the
steps before it have left it, so some steps depend on others:

- `move_batcher` is before `move_deprecated_batches`, which leaves an exporter alone that makes batches already. With
  `batcher: {min_size_items: 100}`, the exporter gets `sending_queue: {batch: {min_size: 100}}` by the first step.
- The steps for settings are before those that change ids, so that the paths in their changes have the ids that the user
  knows. Of the latter, the successors of removed components come first, and then all other names.

The changes are listed in the same order. Private.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..rules.build_facts import TargetBuild
from .batch_processor import move_deprecated_batches
from .data_edits import ConfigChange, Unsolved
from .kept_documents import keep_elasticsearch_documents
from .moved_settings import (
    brace_bare_variables,
    move_batcher,
    move_keep_alives,
    move_telemetry_address,
    move_to_signals,
    remove_ballast,
    remove_start_time,
    rename_overflow,
    rename_verbosity,
    wrap_actions,
)
from .new_names import rename_components, rename_templates
from .removed_components import replace_removed_components

Step = Callable[[Any, TargetBuild], Iterator[ConfigChange | Unsolved]]
"""Takes a config and the target version; yields changes, and the changes that a person has to make."""

STEPS: tuple[Step, ...] = (
    brace_bare_variables,
    move_telemetry_address,
    move_batcher,
    rename_overflow,
    move_deprecated_batches,
    wrap_actions,
    remove_ballast,
    rename_verbosity,
    remove_start_time,
    move_keep_alives,
    keep_elasticsearch_documents,
    move_to_signals,
    replace_removed_components,
    rename_components,
    rename_templates,
)
