# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules on exporter datadog: its site and its key.

Sources: exporter/datadogexporter of opentelemetry-collector-contrib; "Datadog sites" of Datadog's documentation.
Private.

Each function that `RULES` names at the end is a rule, and its name is the id: see rule_definitions.py. For example:

    exporters.datadog.api.site: error [datadog-site] 'EU' is not a Datadog site. Write only the domain, such as
    datadoghq.com, us5.datadoghq.com or datadoghq.eu.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..config.paths import value_at
from .rule_definitions import Fault, about, define_rules
from .subject import Subject

_DOCUMENTATION = "https://docs.datadoghq.com/getting_started/site/"
_SITE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+\Z")
# Hosts of a site, which users take for it.
_HOST_PREFIXES = ("app.", "api.", "trace.", "otlp.", "www.")
# A variable, and a placeholder, of which another rule speaks.
_VARIABLE_OR_PLACEHOLDER = re.compile(r"[$<]")


@about(exporters=["datadog"])
def datadog_site(subject: Subject) -> Iterator[Fault]:
    """Yield Datadog sites that are a URL, a host or a nickname instead of a domain."""
    for part in subject.view.find_parts("exporters", "datadog"):
        site = value_at(part.settings, ("api", "site"))
        if not isinstance(site, str) or not site or _VARIABLE_OR_PLACEHOLDER.search(site):
            continue
        if not _is_site(site):
            fix = "Write only the domain, such as datadoghq.com, us5.datadoghq.com or datadoghq.eu."
            yield Fault((*part.path, "api", "site"), f"'{site}' is not a Datadog site", fix)


@about(exporters=["datadog"])
def datadog_key(subject: Subject) -> Iterator[Fault]:
    """Yield Datadog exporters without an API key; they do not start, even with DD_API_KEY in the environment."""
    for part in subject.view.find_parts("exporters", "datadog"):
        if not isinstance(part.settings.get("api"), str) and not value_at(part.settings, ("api", "key")):
            origin = "as a credential" if subject.on_host else "from a Secret"
            fix = f"Add `api: {{key: '${{env:DD_API_KEY}}'}}`, and set it {origin} in `env`."
            yield Fault(part.path, f"'{part.id}' has no api.key", fix)


def _is_site(site: str) -> bool:
    return bool(_SITE.match(site)) and not site.startswith(_HOST_PREFIXES)


RULES = define_rules("error", datadog_site, datadog_key, documentation=_DOCUMENTATION)
