# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of releases: what this collection applies, prunes and removes together. Private.

A release is a group of objects. Its name is the value of their label `RELEASE_LABEL`:

| what is applied | name of the release |
|---|---|
| the collector `agent` in the namespace `otel` | `otel.agent` |
| the Instrumentation `agent` in the namespace `otel` | `otel.agent_instrumentation` |
| the sample application `agent` in the namespace `otel` | `otel.agent_sample-app` |
| the Namespace and the CA that collectors and Instrumentations of `otel` share | `otel_shared` |
| a product, such as cert-manager | `cert-manager` |

So no two of them can have the same name: a product has no dot, and no namespace has a dot or an underscore in its name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from .._otelcol.kube.names import LONGEST_LABEL, OWNER, OWNER_LABEL, RELEASE_LABEL


def collector_release(namespace: str, name: str) -> str:
    """Return the release of a collector, the same in every inventory that deploys it."""
    return _shorten_release(f"{namespace}.{name}")


def instrumentation_release(namespace: str, name: str) -> str:
    """Return the release of an Instrumentation."""
    return _shorten_release(f"{namespace}.{name}_instrumentation")


def sample_app_release(namespace: str, name: str) -> str:
    """Return the release of the sample application in a namespace."""
    return _shorten_release(f"{namespace}.{name}_sample-app")


def shared_release(namespace: str) -> str:
    """Return the release of the Namespace and the CA, which collectors and Instrumentations of a namespace share."""
    return _shorten_release(f"{namespace}_shared")


def _shorten_release(text: str) -> str:
    """Return text as a label value; a long one is cut and ends with its hash, such as `…_0a1b2c3d4e`."""
    if len(text) <= LONGEST_LABEL:
        return text
    hash_suffix = f"_{hashlib.sha256(text.encode()).hexdigest()[:10]}"
    return f"{text[: LONGEST_LABEL - len(hash_suffix)]}{hash_suffix}"


def release_selector(releases: Iterable[str]) -> str:
    """Return the label selector of the objects that this collection made for these releases."""
    return f"{RELEASE_LABEL} in ({','.join(sorted(releases))}),{OWNER_LABEL}={OWNER}"
