# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What options hold for which Ansible knows only the types dict, list and str. Private.

The record `Collector` says it in the annotations of its fields: `pod_labels: Labels`. For an option inside of a
mapping, the annotation of the mapping has the path of the option:
`Annotated[dict[str, Any], {"prometheus_cr.probe_selector": Values.KUBERNETES}]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Annotated, Any, get_type_hints


class Values(Enum):
    """What an option holds. Kubernetes, the Collector and AWS take nothing else there."""

    TEXTS = "a mapping of texts"
    LABELS = "a mapping of texts that are values of labels"
    ANNOTATIONS = "a mapping of texts, which an object of Kubernetes has among its annotations"
    VARIABLES = "a mapping of names of environment variables to texts, or to mappings of texts that say where one is"
    FLAGS = "a mapping of texts, and of null for a flag that is removed"
    KUBERNETES = "the syntax of Kubernetes, in which some fields are text"
    LINES = "text of several lines"
    VERSION = "a version, which YAML may read as a number"


TEXT_MAPS = frozenset({Values.TEXTS, Values.LABELS, Values.ANNOTATIONS, Values.VARIABLES, Values.FLAGS})

Labels = Annotated[dict[str, str], Values.LABELS]
Annotations = Annotated[dict[str, str], Values.ANNOTATIONS]
Variables = Annotated[dict[str, Any], Values.VARIABLES]
KubernetesMapping = Annotated[dict[str, Any], Values.KUBERNETES]
KubernetesList = Annotated[list[dict[str, Any]], Values.KUBERNETES]
Version = Annotated[str, Values.VERSION]


def values_by_option_path(record: type) -> Mapping[str, Values]:
    """Return what the options of a record hold, by paths such as `pod_labels` and `service.annotations`."""
    return _read_annotations(record)


# `cache` hides from mypy that a record is a type: the function above says it.
@cache
def _read_annotations(record: type) -> Mapping[str, Values]:
    values: dict[str, Values] = {}
    for option, annotation in get_type_hints(record, include_extras=True).items():
        for metadata in getattr(annotation, "__metadata__", ()):
            if isinstance(metadata, Values):
                values[option] = metadata
                continue
            for path, nested_values in metadata.items():
                values[f"{option}.{path}"] = nested_values
    return values
