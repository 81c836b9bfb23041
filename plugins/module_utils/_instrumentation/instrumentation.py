# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of one Instrumentation, checked and as typed values. Private.

The fields are the inputs of role otel_instrumentation, without its prefix; its argument_specs.yml says what each means.
Actions build an `Instrumentation` with `from_options`, and `custom_resource.py` makes the custom resource of it.
Example: `languages: {python: {}}` with `collector: {name: gateway}` is an Instrumentation with one export, of Python.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from .._kube import object_names
from .._otelcol.config.secret_kinds import secret_kind_at
from .._otelcol.config.secret_names import is_secret_name
from .._otelcol.errors import Problem
from .._otelcol.kube.text_values import check_texts
from .export_endpoints import CollectorOptions
from .exports import OPTIONS_BY_VARIABLE, CommonOptions, Export, LanguageOptions, build_export
from .samplers import build_sampler, check_propagators
from .sdk_certificates import check_tls
from .sdk_languages import LANGUAGES

# OTEL_RESOURCE_ATTRIBUTES is a list of `key=value` with commas between them (OpenTelemetry, "Resource SDK").
_DELIMITERS = re.compile(r"[,=]")


@dataclass(frozen=True)
class Instrumentation:
    """The checked options of one Instrumentation, and what its languages export."""

    name: str
    namespace: str
    labels: dict[str, str]
    annotations: dict[str, str]
    collector: CollectorOptions
    endpoint: str
    tls: dict[str, str]
    """May have the keys secret_name, config_map_name, ca_file, cert_file and key_file."""
    languages: dict[str, LanguageOptions]
    """The options of each language in use, by its name."""
    sampler: dict[str, str]
    """Has the keys type and argument, or none."""
    propagators: list[str]
    resource_attributes: dict[str, str]
    kubernetes_uids: bool
    labels_as_attributes: bool
    env: dict[str, Any]
    image_registry: str
    image_pull_policy: str | None
    init_container_security_context: dict[str, Any]
    namespaces: list[Any]
    """The namespaces whose pods are instrumented: each a name, or a mapping with a name and a language."""
    adopt: bool
    exports: list[Export]
    """What each language in use exports, in the order of LANGUAGES."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Instrumentation:
        """Return the Instrumentation of these options, which are in their types: an option that is not given is None.

        Raises Problem for options that cannot work.
        """
        object_names.check_name("namespace of an Instrumentation", options["namespace"])
        object_names.check_name("name of an Instrumentation", options["name"])
        try:
            return cls._check_and_build(options)
        except Problem as problem:
            subject = f"instrumentation '{options['name']}'"
            raise Problem(problem.wrong, asked=subject, where=problem.where, fix=problem.fix) from problem

    @classmethod
    def _check_and_build(cls, options: Mapping[str, Any]) -> Instrumentation:
        """Return the Instrumentation of these options. Of several that cannot work, the message names the first."""
        labels = _check_text_option("labels", options)
        annotations = _check_text_option("annotations", options)
        resource_attributes = _check_text_option("resource_attributes", options)
        languages = _choose_languages(options["languages"] or {})
        collector: CollectorOptions = options["collector"] or CollectorOptions()
        if collector and options["endpoint"]:
            raise Problem("it has both `collector` and `endpoint`", fix="Remove one of them.")
        tls = check_tls(options["tls"] or {})
        sampler = build_sampler(options["sampler"])
        propagators = check_propagators(options["propagators"])
        _check_attributes(resource_attributes)
        _check_env(options["env"])
        for language_options in languages.values():
            _check_env(language_options["env"])
        common_options = CommonOptions(
            namespace=options["namespace"],
            endpoint=options["endpoint"],
            collector=collector,
            tls=tls,
            env=options["env"],
        )
        return cls(
            name=options["name"],
            namespace=options["namespace"],
            labels=labels,
            annotations=annotations,
            collector=collector,
            endpoint=options["endpoint"],
            tls=tls,
            languages=languages,
            sampler=sampler,
            propagators=propagators,
            resource_attributes=resource_attributes,
            kubernetes_uids=options["kubernetes_uids"],
            labels_as_attributes=options["labels_as_attributes"],
            env=options["env"],
            image_registry=options["image_registry"],
            image_pull_policy=options["image_pull_policy"],
            init_container_security_context=options["init_container_security_context"],
            namespaces=options["namespaces"],
            adopt=options["adopt"],
            exports=_build_exports(languages, common_options),
        )

    @property
    def reference(self) -> str:
        """The value of annotations that ask for it: NAMESPACE/NAME.

        The operator also takes the value `true`, but not if the namespace has a second Instrumentation.
        """
        return f"{self.namespace}/{self.name}"


def list_option_names() -> list[str]:
    """Return the names of the options. They are all fields except `exports`, which follows from the others."""
    return [option.name for option in fields(Instrumentation) if option.name != "exports"]


def _choose_languages(requested_languages: Mapping[str, LanguageOptions | None]) -> dict[str, LanguageOptions]:
    """Return the options of the languages in use. Raises Problem if there is none.

    A language that is not in use is missing, or has None for its options.
    """
    languages = {name: options for name, options in requested_languages.items() if options is not None}
    if not languages:
        raise Problem("it has no languages", fix=f"Give `languages`, of {', '.join(LANGUAGES)}.")
    return languages


def _check_text_option(name: str, options: Mapping[str, Any]) -> dict[str, str]:
    """Return an option whose mapping has nothing but texts as values, as Kubernetes takes it."""
    return check_texts(name, options[name] or {})


def _build_exports(languages: Mapping[str, LanguageOptions], common_options: CommonOptions) -> list[Export]:
    """Return what each language in use exports, in the order of LANGUAGES."""
    exports: list[Export] = []
    for name, language in LANGUAGES.items():
        if name in languages:
            exports.append(build_export(language, languages[name], common_options))
    return exports


def _check_attributes(attributes: Mapping[str, str]) -> None:
    """Raise Problem for a resource attribute with a character that separates attributes in their variable."""
    for name, value in attributes.items():
        if _DELIMITERS.search(name + value):
            wrong = f"resource attribute '{name}' has a comma or an equals sign"
            raise Problem(wrong, fix="Write %2C or %3D in its place.")


def _check_env(env: Mapping[str, Any]) -> None:
    """Raise Problem for a variable that has an option of its own, and for a secret in clear text."""
    for name, value in env.items():
        if name in OPTIONS_BY_VARIABLE:
            wrong = f"{name} stands in `env`, where it is not checked"
            raise Problem(wrong, fix=f"Give `{OPTIONS_BY_VARIABLE[name]}` of the language in its place.")
        if isinstance(value, dict):
            continue
        if is_secret_name(name) or secret_kind_at({}, (name,), str(value)):
            wrong = f"{name} stands in `env` in clear text"
            raise Problem(wrong, fix="Give it as `{secret: NAME, key: KEY}` of an existing Secret.")
