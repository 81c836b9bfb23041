# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a cluster look like OpenShift to clients: kinds out of the Go module that has them, and Red Hat's image.

Only the kinds: no router serves a Route, and nothing holds pods against SecurityContextConstraints.
"""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

from tests.testbed import go_modules, images
from tests.testbed.build import Builds
from tests.testbed.errors import ClusterError, Reason

MODULE, VERSION = "github.com/openshift/api", "v0.0.0-20260813212709-d4bb0b443cb8"
DEFINITION_FILES = (
    "route/v1/zz_generated.crd-manifests/routes.crd.yaml",
    "security/v1/zz_generated.crd-manifests/0000_03_config-operator_01_securitycontextconstraints.crd.yaml",
    "payload-manifests/crds/0000_10_config-operator_01_infrastructures-Default.crd.yaml",
)
# The testbed's collector, which knows the older names that this version has too.
COLLECTOR_REFERENCE = "registry.redhat.io/rhosdt/opentelemetry-collector-rhel9:0.144.0"


@cache
def list_definitions() -> list[Path]:
    """The files of its CustomResourceDefinitions, in the module cache: they are nobody's copy here."""
    return [
        file for name in DEFINITION_FILES if (file := go_modules.find_module_folder(MODULE, VERSION) / name).is_file()
    ]


def find_obstacle() -> Reason | None:
    """Why they cannot be had here."""
    if not shutil.which("go"):
        return Reason(f"its definitions are in the Go module {MODULE}, and there is no Go on PATH", "install Go")
    try:
        definition_files = list_definitions()
    except ClusterError as error:
        return Reason(error.why, "set GOPROXY to a proxy that has the module")
    return (
        None
        if len(definition_files) == len(DEFINITION_FILES)
        else Reason(f"{MODULE} {VERSION} lacks some definitions", "change FILES")
    )


def pack_collector(builds: Builds) -> Path:
    """The archive of the cluster's collector under the name of Red Hat's."""
    return images.pack_collector_as(COLLECTOR_REFERENCE, builds)
