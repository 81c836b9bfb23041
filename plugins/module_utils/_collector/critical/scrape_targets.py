# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the critical components of a cluster have their metrics: the targets that a collector scrapes. Private.

Recipe `critical_components` renders a job of Prometheus for each target: its template calls `find_scrape_targets` by
the filter `critical_places`. For a component of the control plane, the file of the platform has the target, else the
table of components. A user changes it with option `places`.

Example: `components: [traefik]` with `places: {traefik: {port: 8082}}` gives

    {"name": "traefik", "role": "pod", "labels": ["app.kubernetes.io/name=traefik"], "port": 8082, "path": "/metrics",
     "scheme": "http"}

Of the keys that a user may change, `port` and `label` are checked, since code computes with them: the address of a
target ends in the port, and excluded_pods.py takes a selector apart. `namespace`, `path` and `scheme` go into the job
as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast

from ..._otelcol.errors import Problem, suggest_word
from .critical_row import CriticalComponent
from .critical_table import COMPONENTS
from .critical_use import PlatformFile

# The keys that option `places` may have for a component.
PLACE_KEYS = ("label", "namespace", "path", "port", "scheme")
# A term of a selector of labels, such as `app=web`. Jobs for annotated pods leave the pods of a selector out, and can
# do so for no other form of a term (see excluded_pods.py).
_TERM_PATTERN = re.compile(r"[A-Za-z0-9._/-]+==?[A-Za-z0-9._-]*\Z")
_LARGEST_PORT = 65535


class ScrapeTarget(TypedDict):
    """Where a component has its metrics, as template scrape_job.j2 takes it."""

    name: str
    """The name of the component."""
    role: str
    """`pod` for pods of the cluster, `endpointslice` for the endpoints of a Service, `static` for addresses."""
    labels: list[str]
    """Selectors of pods, of which one must fit."""
    namespace: NotRequired[str]
    """The namespace of the pods; those of all namespaces without it."""
    port: NotRequired[int]
    """The port of role `pod`."""
    path: NotRequired[str]
    """`/metrics` without it."""
    scheme: NotRequired[str]
    """`http` without it, or `https`."""
    addresses: NotRequired[list[str]]
    """The addresses of role `static`, each `HOST:PORT`."""
    server_name: NotRequired[str]
    """A name in the certificate. With it, the collector asks by https and sends its token."""
    ca: NotRequired[str]
    """The file with the CA of this certificate, beside the token; `ca.crt` without it."""


def find_scrape_targets(
    names: Iterable[str], user_places: Any, platform: PlatformFile, runs_one_pod: bool
) -> list[ScrapeTarget]:
    """Return the target of each component: as the platform or the table says, with the changes of the user.

    `user_places` is option `places` of the recipe. Raises Problem if it is not valid, and for a component that the
    platform hides or that this collector must not scrape.
    """
    names = list(names)
    for name in names:
        if name not in COMPONENTS:
            wrong = f"there is no critical component '{name}'{suggest_word(name, COMPONENTS)}"
            raise Problem(wrong, fix=f"Components: {', '.join(sorted(COMPONENTS))}.")
    if not isinstance(user_places, Mapping):
        raise Problem("`places` is no mapping", fix="Write `places: {COMPONENT: {port: PORT}}`.")
    changes = {name: _read_user_place(name, user_place, names) for name, user_place in user_places.items()}
    return [_find_target(COMPONENTS[name], changes.get(name, {}), platform, runs_one_pod) for name in names]


def _find_target(
    component: CriticalComponent, changed_keys: Mapping[str, Any], platform: PlatformFile, runs_one_pod: bool
) -> ScrapeTarget:
    """Return the target of a component with the changes of the user.

    Raises Problem if each pod of the collector would scrape the same target again.
    """
    if component.control_plane:
        known_target = _read_platform_target(component, platform)
    else:
        known_target = _build_table_target(component)
    if known_target["role"] != "pod" and not runs_one_pod:
        wrong = f"{component.name} would be scraped by each copy of this collector"
        fix = f"Scrape {component.name} with a collector that has mode deployment and `replicas: 1`."
        raise Problem(wrong, fix=fix)
    labels = [changed_keys["label"]] if changed_keys.get("label") else known_target["labels"]
    # The keys of the user are some of PLACE_KEYS, of which all but `label` are keys of a target.
    return cast(ScrapeTarget, {**known_target, **changed_keys, "labels": labels})


def _build_table_target(component: CriticalComponent) -> ScrapeTarget:
    """Return the target of a component by its row in the table."""
    return {
        "name": component.name,
        "port": component.port,
        "path": component.path,
        "scheme": component.scheme,
        "labels": list(component.labels),
        "role": "pod",
    }


def _read_platform_target(component: CriticalComponent, platform: PlatformFile) -> ScrapeTarget:
    """Return the target of a component of the control plane. Raises Problem if the platform hides it."""
    platform_target = platform["control_plane"].get(component.control_plane)
    if not platform_target:
        wrong = f"platform '{platform['name']}' serves no metrics of {component.name}"
        raise Problem(wrong, fix=f"Remove {component.name} from `components`.")
    labels = [platform_target["label"]] if "label" in platform_target else []
    # platforms/generic.yml says what the keys mean. A target with addresses alone needs no role there.
    return cast(ScrapeTarget, {"role": "static", **platform_target, "name": component.name, "labels": labels})


# ── Option `places` ──


def _read_user_place(name: str, user_place: Any, scraped_names: Sequence[str]) -> dict[str, Any]:
    """Return what the user changes of the target of a component: the keys with a value, such as `{port: 8082}`.

    Raises Problem for a value of option `places` that is not valid.
    """
    if name not in scraped_names:
        fix = "Add it to `components`, or remove it."
        raise Problem(f"`places` has {name}, which is not scraped{suggest_word(name, scraped_names)}", fix=fix)
    if user_place is None:
        return {}
    if not isinstance(user_place, Mapping) or not set(user_place) <= set(PLACE_KEYS):
        fix = f"Write a mapping with some of {', '.join(PLACE_KEYS)}, such as `{name}: {{port: 9100}}`."
        raise Problem(f"`places` of {name} is no place", fix=fix)
    # An empty key, such as `port:`, changes nothing.
    changed_keys = {key: value for key, value in user_place.items() if value is not None}
    if "port" in changed_keys:
        _check_port(name, changed_keys["port"])
    if changed_keys.get("label"):
        _check_label(name, changed_keys["label"])
    return changed_keys


def _check_port(name: str, port: Any) -> None:
    """Raise Problem for a port that is no number from 1 to 65535."""
    is_number = isinstance(port, int) and not isinstance(port, bool)  # for Python, True is the number 1
    if not is_number or not 1 <= port <= _LARGEST_PORT:
        fix = f"Write a number from 1 to {_LARGEST_PORT}, such as `{name}: {{port: 9100}}`."
        raise Problem(f"the port {port!r} is no port", where=f"places.{name}.port", fix=fix)


def _check_label(name: str, label: Any) -> None:
    """Raise Problem for a selector with another term than KEY=VALUE, which no other job could leave out."""
    if not all(_TERM_PATTERN.match(term.strip()) for term in str(label).split(",")):
        fix = f"Write terms KEY=VALUE with commas between them, such as `{name}: {{label: app=web}}`."
        raise Problem(f"the selector '{label}' has another term than KEY=VALUE", where=f"places.{name}.label", fix=fix)
