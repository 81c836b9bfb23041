# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a custom resource of the operator has the config and the image of the inventory already. Private.

The operator adds defaults to the config of a resource, such as addresses of receivers, and changes nothing of it.
Source: ApplyDefaults in the operator's internal/otelconfig.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..config.paths import at, section
from ..kube.names import SPEC_HASH
from ..kube.objects import Manifest, Ref, ref

# What decides what a collector sends.
_DECIDING = ("config", "image")
_HASH = ("spec", "podAnnotations", SPEC_HASH)


def is_applied(own: Ref, inventory: Iterable[Manifest], running: Iterable[Manifest]) -> bool:
    """Return whether a resource has the config and the image of the inventory, to which others have only added.

    The hash of its pods must be that of the inventory: so it was this config that was applied last, and it had nothing
    that the inventory has no more. Then a run that applies it again keeps what others have added.
    """
    wanted, live = _named(own, inventory), _named(own, running)
    pod_hash = at(wanted, _HASH)
    return bool(pod_hash) and pod_hash == at(live, _HASH) and _contains(_deciding(live), _deciding(wanted))


def _named(own: Ref, manifests: Iterable[Manifest]) -> Manifest:
    return next((manifest for manifest in manifests if ref(manifest) == own), {})


def _deciding(manifest: Manifest) -> dict[str, Any]:
    spec = section(manifest, "spec")
    return {name: spec[name] for name in _DECIDING if name in spec}


def _contains(live: Any, wanted: Any) -> bool:
    """Return whether a value has all of another. Lists must be the same."""
    if not isinstance(live, Mapping) or not isinstance(wanted, Mapping):
        return bool(live == wanted)
    return all(key in live and _contains(live[key], wanted[key]) for key in wanted)
