# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the modules for AWS, without those that every module of amazon.aws has. Private.

A module gives its row of MODULES to AnsibleAWSModule, which adds `region`, `profile` and the others:
`AnsibleAWSModule(**MODULES["eks_addon"])`. Its action reads the same row, since it may do the work without the module.
The meaning of each option is in the documentation of its module, such as plugins/modules/eks_addon.py.
"""

from __future__ import annotations

from typing import Any

from ..._kube.live.hidden import PARTLY_SECRET

Spec = dict[str, dict[str, Any]]
"""An argument spec of Ansible: options by their names, such as `{"name": {"required": True}}`."""

STATE_OPTION: dict[str, Any] = {"choices": ["present", "absent"], "default": "present"}
TAG_OPTIONS: Spec = {
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": True},
}
# The service account that a module works on.
_ACCOUNT_OPTIONS: Spec = {
    "cluster_name": {"required": True},
    "namespace": {"required": True},
    "service_account": {"required": True},
    "state": STATE_OPTION,
}
# What to do about an add-on that EKS calls degraded.
_HEALTH_OPTIONS: Spec = {
    "degraded": {"choices": ["wait", "fail", "accept"], "default": "wait"},
    "degraded_seconds": {"type": "float", "default": 300},
}

EKS_ADDON: Spec = {
    "cluster_name": {"required": True},
    "name": {"required": True},
    "state": STATE_OPTION,
    "version": {},
    "resolve_conflicts": {"choices": ["none", "overwrite", "preserve"]},
    # It may hold secrets, which a log of the options on the host must not have; the shown values are masked.
    "configuration_values": {"type": "dict", **PARTLY_SECRET},
    "service_account_role_arn": {},
    "pod_identity_associations": {
        "type": "list",
        "elements": "dict",
        "options": {"service_account": {"required": True}, "role_arn": {"required": True}},
    },
    "namespace": {},
    "preserve": {"type": "bool", "default": False},
    "wait": {"type": "bool", "default": True},
    "create_timeout_seconds": {"type": "float", "default": 1200},
    "update_timeout_seconds": {"type": "float", "default": 1200},
    "delete_timeout_seconds": {"type": "float", "default": 1200},
    **_HEALTH_OPTIONS,
    **TAG_OPTIONS,
}
EKS_ADDON_INFO: Spec = {
    "cluster_name": {},
    "name": {},
    "kubernetes_version": {},
    "available": {"type": "bool", "default": False},
    "configuration": {"type": "bool", "default": False},
    "version": {},
    "wait": {"type": "bool", "default": False},
    "wait_timeout": {"type": "float", "default": 1200},
    **_HEALTH_OPTIONS,
}
IAM_OIDC_PROVIDER: Spec = {
    "url": {},
    "cluster_name": {},
    "state": STATE_OPTION,
    "client_ids": {"type": "list", "elements": "str"},
    "purge_client_ids": {"type": "bool", "default": False},
    "thumbprints": {"type": "list", "elements": "str"},
    **TAG_OPTIONS,
}
ROLE: Spec = {
    "name": {"required": True},
    **_ACCOUNT_OPTIONS,
    "provider": {"choices": ["irsa", "pod_identity"], "default": "irsa"},
    "purge_trust": {"type": "bool", "default": True},
    "adopt": {"type": "bool", "default": False},
    "collectors": {"type": "list", "elements": "str", "default": []},
    "agent": {"choices": ["required", "ignored"], "default": "required"},
    "statements": {"type": "list", "elements": "dict", "default": []},
    "managed_policies": {"type": "list", "elements": "str", "default": []},
    "path": {},
    "permissions_boundary": {},
    "wait_seconds": {"type": "float", "default": 60},
    **TAG_OPTIONS,
}
ASSOCIATION: Spec = {
    **_ACCOUNT_OPTIONS,
    "role_arn": {},
    "target_role_arn": {},
    "disable_session_tags": {"type": "bool"},
    "policy": {"type": "dict"},
    **TAG_OPTIONS,
}

_CHECK_MODE: dict[str, Any] = {"supports_check_mode": True}
_URL_OR_CLUSTER = [("url", "cluster_name")]
# By the name of a module, the arguments of its AnsibleAWSModule.
MODULES: dict[str, dict[str, Any]] = {
    "eks_addon": {"argument_spec": EKS_ADDON, **_CHECK_MODE},
    "eks_addon_info": {
        "argument_spec": EKS_ADDON_INFO,
        "required_if": [("configuration", True, ["name"]), ("wait", True, ["cluster_name", "name"])],
        **_CHECK_MODE,
    },
    "eks_pod_identity_association": {
        "argument_spec": ASSOCIATION,
        "required_if": [("state", "present", ["role_arn"])],
        **_CHECK_MODE,
    },
    "iam_oidc_provider": {
        "argument_spec": IAM_OIDC_PROVIDER,
        "mutually_exclusive": _URL_OR_CLUSTER,
        "required_one_of": _URL_OR_CLUSTER,
        **_CHECK_MODE,
    },
    "iam_service_account_role": {"argument_spec": ROLE, **_CHECK_MODE},
}
