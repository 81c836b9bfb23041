# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Instrumentation as a custom resource. Private.

Source of the fields: the CRD of opentelemetry-operator 0.158.0, which serves this version alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..cluster.bundle import Manifest
from ..collector import names
from ..collector.collector import from_registry
from ..collector.names import OWNER, OWNER_LABEL
from ..manifests.build import present
from ..manifests.pod import env_source
from .exports import ENDPOINT_VARIABLE, PROTOCOL_VARIABLE, Export
from .instrumentation import Instrumentation
from .languages import HTTP

API_VERSION, KIND = "opentelemetry.io/v1alpha1", "Instrumentation"
LABEL = "o11y.opentelemetry/instrumentation"

_TLS = {
    "secret_name": "secretName",
    "config_map_name": "configMapName",
    "ca_file": "ca_file",
    "cert_file": "cert_file",
    "key_file": "key_file",
}
# Options of some languages, and the field that each becomes.
_FIELDS = {
    "volume_claim_template": "volumeClaimTemplate",
    "security_context": "securityContext",
    "version": "version",
    "config_path": "configPath",
    "config_file": "configFile",
}


def manifests(wanted: Instrumentation) -> list[Manifest]:
    """Return the objects of one Instrumentation: its Namespace and itself."""
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": wanted.namespace,
            "labels": {OWNER_LABEL: OWNER, names.RELEASE_LABEL: names.shared_release(wanted.namespace)},
        },
    }
    metadata = {
        "name": wanted.name,
        "namespace": wanted.namespace,
        "labels": {
            **wanted.labels,
            OWNER_LABEL: OWNER,
            LABEL: wanted.name,
            names.RELEASE_LABEL: names.release_of_instrumentation(wanted.namespace, wanted.name),
        },
        **present(annotations=wanted.annotations),
    }
    return [namespace, {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": _spec(wanted)}]


def _spec(wanted: Instrumentation) -> dict[str, Any]:
    common = common_endpoint(wanted.exports)
    return {
        "exporter": {"endpoint": common, **present(tls={_TLS[key]: value for key, value in wanted.tls.items()})},
        **present(
            resource=present(
                resourceAttributes=wanted.resource_attributes, addK8sUIDAttributes=wanted.kubernetes_uids or None
            ),
            defaults=present(useLabelsForResourceAttributes=wanted.labels_as_attributes or None),
            sampler=wanted.sampler,
            propagators=wanted.propagators,
            env=_env(wanted.env),
            imagePullPolicy=wanted.image_pull_policy,
            initContainerSecurityContext=wanted.init_container_security_context,
        ),
        **{item.language.field: _language(item, wanted, common) for item in wanted.exports},
    }


def common_endpoint(exports: list[Export]) -> str:
    """Return the endpoint of the resource itself: that of HTTP where there is one, which is what most SDKs speak."""
    urls = [item.endpoint.url for item in exports if item.protocol == HTTP] or [exports[0].endpoint.url]
    return urls[0]


def _language(item: Export, wanted: Instrumentation, common: str) -> dict[str, Any]:
    options = wanted.languages[item.language.name]
    env, directives = dict(options["env"]), dict(options.get("attributes") or {})
    elsewhere = item.endpoint.url if item.endpoint.url != common else None
    if item.language.directive:
        directives |= present(**{item.language.directive: elsewhere})
    else:
        # Said even where it is the default: an image of another version may have another one.
        env |= {PROTOCOL_VARIABLE: item.protocol} | present(**{ENDPOINT_VARIABLE: elsewhere})
    return present(
        image=_image(options["image"], wanted),
        env=_env(env),
        attrs=_env(directives),
        extensions=[{**found, "image": _image(found["image"], wanted)} for found in options.get("extensions") or []],
        **{item.language.resources: options["resources"]},
        **{field: options.get(name) for name, field in _FIELDS.items()},
    )


def _image(image: str, wanted: Instrumentation) -> str:
    return from_registry(image, wanted.image_registry) if image else ""


def _env(env: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, **env_source(name, env[name])} for name in sorted(env)]
