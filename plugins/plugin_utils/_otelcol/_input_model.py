# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reading configs collects: the configs themselves, called inputs, and all that could not be read. Private.

`_inputs.py` fills a `Collected`, and `_input_documents.py` adds to it what the text of a file has. To note something is
to add it to one of its lists, so that one bad file does not stop the others. An example: of a folder with agent.yaml, a
config, and notes.yaml, which is none, `inputs` has the first, and `skipped_files` the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...module_utils._otelcol.config.documents import FoundConfig
from ...module_utils._otelcol.config.layers import Layer
from ...module_utils._otelcol.config.paths import Path as KeyPath
from ...module_utils._otelcol.config.paths import Position
from ...module_utils._otelcol.errors import Problem
from ...module_utils._otelcol.rules.findings import Finding, report_internal_error
from ...module_utils._otelcol.rules.from_manifests import PlatformContext
from ...module_utils._otelcol.rules.report_model import format_count
from ...module_utils._otelcol.yaml.yaml_errors import InvalidYaml

VARIABLE_NAME = "config"
NO_OBJECT = FoundConfig(document_index=0, path=(), is_text=False, owner={}, label="")
"""Stands for the place of a config that is a whole document, without an object around it."""
# How many skipped files are named with the reason, and how many links.
_MOST_NAMED_FILES = 10


@dataclass(frozen=True)
class Input:
    """A collector config from the user: its data, the positions of its paths, and its surroundings."""

    name: str
    """What findings call it: the file, and the object in it if there is one, as `all.yml (ConfigMap gateway)`."""
    config: Any
    """None for a custom resource without a config."""
    locate: Callable[[KeyPath], Position]
    """Returns where a path of the config stands in the file."""
    duplicates: tuple[tuple[KeyPath, Position], ...] = ()
    """Keys that stand twice in the config, with the place of the second one."""
    platform_context: PlatformContext = field(default_factory=PlatformContext)
    """What manifests show of its platform."""
    found_config: FoundConfig = NO_OBJECT
    """Where in the file it is, and the object that holds it."""
    layer: Layer | None = None
    """The config as one layer, to merge it with others."""
    file: str = ""
    """The file that has it; empty for a variable."""


@dataclass
class Collected:
    """All inputs of a task, and what else was found while they were read."""

    inputs: list[Input] = field(default_factory=list)
    custom_resources: list[Input] = field(default_factory=list)
    """Custom resources of the operator without a config, such as an Instrumentation."""
    chart_findings: list[Finding] = field(default_factory=list)
    """How values of Helm charts become configs."""
    invalid_yaml: list[InvalidYaml] = field(default_factory=list)
    internal_faults: list[Finding] = field(default_factory=list)
    """Findings about mistakes of this collection."""
    skipped_files: list[str] = field(default_factory=list)
    """YAML files without a config."""
    skip_reasons: list[str] = field(default_factory=list)
    """A sentence for each skipped file that may have a config all the same."""
    left_out_folders: list[str] = field(default_factory=list)
    """A sentence for each folder that was not read: a link to a folder, or one that this user may not read."""
    text_by_name: dict[str, str] = field(default_factory=dict)
    """The whole text of each file with a config, by the name of the file or variable."""
    objects_by_folder: dict[Path, list[Mapping[str, Any]]] = field(default_factory=dict)
    """The Kubernetes objects in the files of each folder."""

    @property
    def config_count(self) -> int:
        """How many configs and custom resources were found, readable or not."""
        return len(self.inputs) + len(self.custom_resources) + len(self.invalid_yaml) + len(self.internal_faults)

    @property
    def faulty_files(self) -> list[str]:
        """The files in which something was found that could not be read."""
        return [
            *(fault.position.file for fault in self.invalid_yaml),
            *(fault.position.file for fault in self.internal_faults),
        ]

    @property
    def read_files(self) -> list[str]:
        """The files in which something was found, readable or not."""
        return [*self.text_by_name, *self.faulty_files]

    def list_warnings(self) -> Iterator[str]:
        """Yield a warning about skipped files that may have a config, and warnings about folders that were not read.

        The first folders have a warning each. The last warning counts the others.
        """
        if reasons := self.skip_reasons:
            named_reasons = " ".join(reasons[:_MOST_NAMED_FILES])
            unnamed_count = len(reasons) - _MOST_NAMED_FILES
            unnamed_note = f" And {unnamed_count} more." if unnamed_count > 0 else ""
            yield f"{format_count(len(reasons), 'file')} skipped and not checked. {named_reasons}{unnamed_note}"
        yield from self.left_out_folders[:_MOST_NAMED_FILES]
        unnamed_folders = len(self.left_out_folders) - _MOST_NAMED_FILES
        if unnamed_folders > 0:
            verb = "was" if unnamed_folders == 1 else "were"
            yield f"{format_count(unnamed_folders, 'more folder')} {verb} not read."

    def note_invalid(self, invalid: InvalidYaml) -> None:
        """Note invalid YAML, without its traceback: the frames there hold this object, so memory would not be freed."""
        invalid.__cause__ = invalid.__context__ = None
        self.invalid_yaml.append(invalid.with_traceback(None))

    @contextmanager
    def guard_reading(self, activity: str, file: str) -> Iterator[None]:
        """Turn a mistake of this collection into a finding, so that the other configs are still checked."""
        try:
            yield
        except Problem:
            raise
        except Exception as error:
            self.internal_faults.append(report_internal_error(activity, error, Position(file)))


PositionsOf = Callable[[Any], Mapping[KeyPath, Position]]
"""Returns where the parts of a value stand in files."""


def find_no_positions(_value: Any) -> Mapping[KeyPath, Position]:
    """Return no positions: a value has none that was not read from a file."""
    return {}


@dataclass(frozen=True)
class InputOptions:
    """How inputs are read."""

    variable_name: str = VARIABLE_NAME
    """What findings call a config that is in no file."""
    variable_index: int = 0
    """How many of the paths go before that config in a merge, in which a later one takes precedence."""
    find_positions: PositionsOf = find_no_positions
    """Where the parts of that config stand in files."""
    skips_others: bool = False
    """Whether a file that the user names may be something else than a config: then it is skipped, with a warning."""


DEFAULT_READING = InputOptions()
