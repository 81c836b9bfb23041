# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds that run pods. Private."""

from __future__ import annotations

from .._kube.operator_status import COLLECTOR

# Those of Kubernetes, and with the custom resource of the operator.
WORKLOAD_KINDS = ("DaemonSet", "Deployment", "StatefulSet")
POD_RUNNING_KINDS = (*WORKLOAD_KINDS, COLLECTOR)
