# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables by which a role names its cluster. Private.

Action otel_render reads the variables of a role by them, and `live/expected_cluster.py` names them in its errors. For
example, the role otel_collector reads `otel_collector_kube_context`, and gives it to modules as their option `context`.
"""

from __future__ import annotations

OPTIONS_BY_ENDING = {"_kubeconfig": "kubeconfig", "_kube_context": "context", "_eks_cluster": "eks_cluster"}
"""The endings of a role's variables that name a cluster, with the option of modules that each sets."""
