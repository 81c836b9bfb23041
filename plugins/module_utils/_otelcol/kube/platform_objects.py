# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that every namespace has, made by Kubernetes, OpenShift or a mesh. Private."""

from __future__ import annotations

# Every namespace has these objects, so they do not keep it in use: by name, with the label that tells whose they are.
PLATFORM_OBJECTS = {
    "ConfigMap": {"kube-root-ca.crt": "", "openshift-service-ca.crt": "", "istio-ca-root-cert": "istio.io/config"},
    "ServiceAccount": {"default": ""},
    "RoleBinding": {"system:image-pullers": "", "system:image-builders": "", "system:deployers": ""},
}


# The accounts that OpenShift makes in every namespace, each with the RoleBinding that it makes for it.
OPENSHIFT_ACCOUNTS = {"builder": "system:image-builders", "deployer": "system:deployers"}
