# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the values of options are, more exactly than the types dict, list and str of Ansible say. Private.

YAML may read a label `build: 12` as a number, and Kubernetes takes text alone. So the records of options, such as
`Collector`, say in the annotations of their fields what the value of an option must be: `pod_labels: Labels`. An option
inside of a mapping is in the annotation of the mapping, by its path:

    target_allocator: Annotated[dict[str, Any], {"prometheus_cr.probe_selector": Values.KUBERNETES}]

`values_by_option_path` reads these annotations, for the checks of options. Of these two fields, it returns

    {"pod_labels": Values.LABELS, "target_allocator.prometheus_cr.probe_selector": Values.KUBERNETES}
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Annotated, Any, get_type_hints


class Values(Enum):
    """What the value of an option must be. Kubernetes, the Collector and AWS accept nothing else for it."""

    TEXTS = "a mapping of texts"
    LABELS = "a mapping of texts that are values of labels"
    ANNOTATIONS = "a mapping of texts, which an object of Kubernetes has among its annotations"
    VARIABLES = "a mapping of names of environment variables to texts, or to mappings of texts that say where one is"
    FLAGS = "a mapping of texts, and of null for a flag that is removed"
    KUBERNETES = "the syntax of Kubernetes, in which some fields are text"
    LINES = "text of several lines"
    VERSION = "a version, which YAML may read as a number"


# The mappings whose values are texts.
TEXT_MAPS = frozenset({Values.TEXTS, Values.LABELS, Values.ANNOTATIONS, Values.VARIABLES, Values.FLAGS})

# The types of fields.
Labels = Annotated[dict[str, str], Values.LABELS]
Annotations = Annotated[dict[str, str], Values.ANNOTATIONS]
Variables = Annotated[dict[str, Any], Values.VARIABLES]
KubernetesMapping = Annotated[dict[str, Any], Values.KUBERNETES]
KubernetesList = Annotated[list[dict[str, Any]], Values.KUBERNETES]
Version = Annotated[str, Values.VERSION]


def values_by_option_path(record: type) -> Mapping[str, Values]:
    """Return what the values of options must be, by paths such as `pod_labels` and `service.annotations`.

    `record` is a class with a field for each option, such as `Collector`.
    """
    return _read_annotations(record)


# A function of its own, since `cache` hides its types from mypy.
@cache
def _read_annotations(record: type) -> Mapping[str, Values]:
    """Return what the values of options must be, as the annotations of the fields say it."""
    values: dict[str, Values] = {}
    for option, annotation in get_type_hints(record, include_extras=True).items():
        # Only a field of type `Annotated` has `__metadata__`: the arguments after the type.
        for metadata in getattr(annotation, "__metadata__", ()):
            if isinstance(metadata, Values):
                values[option] = metadata
                continue
            # Otherwise it is a mapping of the options inside of this one, by their paths.
            for path, nested_values in metadata.items():
                values[f"{option}.{path}"] = nested_values
    return values
