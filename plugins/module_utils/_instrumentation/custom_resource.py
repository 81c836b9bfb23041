# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The custom resource of an Instrumentation: what a user describes with options, as the operator reads it. Private.

Action instrumentation_render calls `build_manifests`. Example: the options `{languages: {python: {}}, collector: {name:
gateway}}` become

    spec:
      exporter: {endpoint: "http://gateway.telemetry.svc:4318"}
      python: {env: [{name: OTEL_EXPORTER_OTLP_PROTOCOL, value: http/protobuf}]}

Source of the fields: the CRD of opentelemetry-operator 0.158.0, which serves this version alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._collector.manifests.build import omit_empty
from .._collector.manifests.namespaces import render_shared_namespace
from .._collector.manifests.variable_sources import render_variable_source
from .._collector.options import replace_registry
from .._kube.release_names import instrumentation_release
from .._otelcol.config.paths import list_at, mapping_at
from .._otelcol.kube import names
from .._otelcol.kube.names import OWNER, OWNER_LABEL
from .._otelcol.kube.objects import Manifest
from .exports import ENDPOINT_VARIABLE, PROTOCOL_VARIABLE, Export
from .instrumentation import Instrumentation
from .sdk_languages import HTTP

API_VERSION = "opentelemetry.io/v1alpha1"
KIND = "Instrumentation"
INSTRUMENTATION_LABEL = "o11y.opentelemetry/instrumentation"

# The options of `tls`, with the field of the spec that each becomes.
_TLS_FIELDS = {
    "secret_name": "secretName",
    "config_map_name": "configMapName",
    "ca_file": "ca_file",
    "cert_file": "cert_file",
    "key_file": "key_file",
}
# The options that only some languages have, with the field of the section that each becomes.
_LANGUAGE_FIELDS = {
    "volume_claim_template": "volumeClaimTemplate",
    "security_context": "securityContext",
    "version": "version",
    "config_path": "configPath",
    "config_file": "configFile",
}


def build_manifests(instrumentation: Instrumentation) -> list[Manifest]:
    """Return the objects of one Instrumentation: its Namespace and the custom resource.

    A Namespace of Kubernetes itself, such as `default`, is left out.
    """
    namespace = render_shared_namespace(instrumentation.namespace)
    metadata = {
        "name": instrumentation.name,
        "namespace": instrumentation.namespace,
        "labels": {
            **instrumentation.labels,
            OWNER_LABEL: OWNER,
            INSTRUMENTATION_LABEL: instrumentation.name,
            names.RELEASE_LABEL: instrumentation_release(instrumentation.namespace, instrumentation.name),
        },
        **omit_empty(annotations=instrumentation.annotations),
    }
    resource = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": _build_spec(instrumentation)}
    return [namespace, resource] if namespace else [resource]


def _build_spec(instrumentation: Instrumentation) -> dict[str, Any]:
    """Return the spec of the custom resource, without fields for options that are not given."""
    common_url = choose_common_endpoint(instrumentation.exports)
    tls = {_TLS_FIELDS[key]: value for key, value in instrumentation.tls.items()}
    resource = omit_empty(
        resourceAttributes=instrumentation.resource_attributes,
        addK8sUIDAttributes=instrumentation.kubernetes_uids or None,
    )
    languages = {
        export.language.field: _build_language(export, instrumentation, common_url)
        for export in instrumentation.exports
    }
    return {
        "exporter": {"endpoint": common_url, **omit_empty(tls=tls)},
        **omit_empty(
            resource=resource,
            defaults=omit_empty(useLabelsForResourceAttributes=instrumentation.labels_as_attributes or None),
            sampler=instrumentation.sampler,
            propagators=instrumentation.propagators,
            env=_list_variables(instrumentation.env),
            imagePullPolicy=instrumentation.image_pull_policy,
            initContainerSecurityContext=instrumentation.init_container_security_context,
        ),
        **languages,
    }


def choose_common_endpoint(exports: list[Export]) -> str:
    """Return the endpoint at the top of the spec: that of the first language with OTLP over HTTP, else the first one.

    A language with another endpoint gets it in a section of its own. Most SDKs speak HTTP.
    """
    for export in exports:
        if export.protocol == HTTP:
            return export.endpoint.url
    return exports[0].endpoint.url


def _build_language(export: Export, instrumentation: Instrumentation, common_url: str) -> dict[str, Any]:
    """Return the section of a language in the spec.

    It names the endpoint only if that is not the common one: in a variable of the SDK, or in a directive of a web
    server, such as `NginxModuleOtelExporterEndpoint`.
    """
    language = export.language
    options = instrumentation.languages[language.name]
    env = dict(options["env"])
    directives = dict(mapping_at(options, "attributes"))
    has_common_endpoint = export.endpoint.url == common_url
    if not language.directive:
        # The protocol stands there even if it is the default: an image of another version may have another default.
        env[PROTOCOL_VARIABLE] = export.protocol
    if not has_common_endpoint and language.directive:
        directives[language.directive] = export.endpoint.url
    elif not has_common_endpoint:
        env[ENDPOINT_VARIABLE] = export.endpoint.url
    extensions = []
    for extension in list_at(options, "extensions"):
        extensions.append({**extension, "image": _move_to_registry(extension["image"], instrumentation)})
    return omit_empty(
        image=_move_to_registry(options["image"], instrumentation),
        env=_list_variables(env),
        attrs=_list_variables(directives),
        extensions=extensions,
        **{language.resources_field: options["resources"]},
        **{field: options.get(name) for name, field in _LANGUAGE_FIELDS.items()},
    )


def _move_to_registry(image: str, instrumentation: Instrumentation) -> str:
    """Return an image at the registry of the option, if there is one; empty for no image of its own."""
    return replace_registry(image, instrumentation.image_registry) if image else ""


def _list_variables(env: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return variables as a container has them, in order of their names: `[{"name": "A", "value": "1"}]`."""
    return [{"name": name, **render_variable_source(name, env[name])} for name in sorted(env)]
