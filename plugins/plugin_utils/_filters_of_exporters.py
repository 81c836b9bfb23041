# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of recipes that send: TLS, addresses and documents. Controller only. Private.

`_recipe_filters.py` gives them their names in templates. For example, recipe otlp_forward writes
`{{ options.ca_secret | client_tls(options.client_tls_secret) }}`, and `build_client_tls` returns
`{ca_file: …/NAME/ca.crt}` of the name of the Secret.
"""

from __future__ import annotations

import re
from functools import reduce
from typing import Any

from ..module_utils._otelcol.errors import Problem
from ..module_utils._otelcol.needs.needed_mounts import SECRETS_ROOT
from ..module_utils._otelcol.rules.elasticsearch_documents import is_data_stream
from ._general_filters import drop_empty_values

# Amazon Managed Service for Prometheus: the id of a workspace, and the path of remote write.
_WORKSPACE_ID = re.compile(r"ws-[0-9A-Za-z-]+\Z")
_WRITE_PATH = "/api/v1/remote_write"

# A Service as `NAME` or `NAME.NAMESPACE`. Source: the resolver `k8s` of exporter load_balancing.
_SERVICE = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)?\Z")

# A site of Datadog, which may have the name of a region before it. Source: "Getting started with Datadog sites".
_DATADOG_SITE = re.compile(r"(?!app\.)([a-z0-9-]+\.)?(datadoghq\.com|datadoghq\.eu|ddog-gov\.com)\Z")


def build_client_tls(authority: str | None, own: str | None, reload: str = "", server_name: str = "") -> dict[str, Any]:
    """Return TLS settings of a client that reads its files again, such as each minute.

    `authority` is the name of the Secret with the CA, and `own` that of the Secret with the client's own certificate;
    without one, the client has no such file. `reload` is a duration such as `1h`; if it is empty, files are read again
    each minute if there is an own certificate. `server_name` is the name in the server's certificate, if it is another
    one than that of its address.
    """
    settings: dict[str, Any] = {}
    if authority:
        settings["ca_file"] = f"{SECRETS_ROOT}/{authority}/ca.crt"
    if own:
        settings["cert_file"] = f"{SECRETS_ROOT}/{own}/tls.crt"
        settings["key_file"] = f"{SECRETS_ROOT}/{own}/tls.key"
    settings["reload_interval"] = reload or (own and "1m")
    settings["server_name_override"] = server_name
    return drop_empty_values(settings)


def choose_document_mapping(requested_mapping: str, index: str | None, date_suffix: bool) -> str:
    """Return the mapping of documents in Elasticsearch, such as `otel`; for `auto`, the one that fits.

    Mapping `otel` works with data streams alone. So `auto` is `none` if documents go to a plain index.
    """
    if requested_mapping != "auto":
        return requested_mapping
    has_plain_index = bool(index) and not is_data_stream(str(index))
    return "none" if date_suffix or has_plain_index else "otel"


def check_datadog_site(site: str) -> str:
    """Return a site of Datadog; a text with variables `${…}` stays as it is. Raises Problem for what is none.

    `app` is where people look at their data, and no site.
    """
    if "${" not in site and not _DATADOG_SITE.match(site):
        fix = "Give that of your account, such as datadoghq.com, us5.datadoghq.com or datadoghq.eu."
        raise Problem(f"`site: {site}` is no site of Datadog", fix=fix)
    return site


def check_service(service: str) -> str:
    """Return the Service of gateways, as `NAME` or `NAME.NAMESPACE`; a text with variables `${…}` stays as it is.

    Raises Problem for what is none. The Collector would look for a Service that no cluster has, and drop all spans.
    """
    if "${" not in service and not _SERVICE.match(service):
        fix = "Write NAME or NAME.NAMESPACE. Its port is `port`."
        raise Problem(f"`service: {service}` is no name of a Service", fix=fix)
    return service


def find_workspace_address(workspace: str, region: str) -> str:
    """Return the URL to which a workspace of Amazon Managed Service for Prometheus is written.

    `workspace` is an id such as `ws-1a2b`, a text with variables `${…}` for one, or a whole URL. Raises Problem for an
    alias, as only Amazon knows which id has it.
    """
    if "://" not in workspace and "${" not in workspace and not _WORKSPACE_ID.match(workspace):
        command = f"aws amp list-workspaces --region {region} --alias {workspace}"
        fix = f"Give its id, `ws-…`, or its URL: `{command} --query 'workspaces[].workspaceId'` shows the id."
        raise Problem(f"`workspace: {workspace}` is neither an id of a workspace nor a URL", fix=fix)
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    url = f"https://aps-workspaces.{region}.{domain}/workspaces/{workspace}"
    if "://" in workspace:
        url = workspace
    return url.rstrip("/").removesuffix(_WRITE_PATH) + _WRITE_PATH


def remove_url_ends(url: str, *ends: str) -> str:
    """Return a URL without these ends of its path, which an exporter or the template adds.

    A URL without these ends stays as it is, also with a slash at its end.
    """
    stripped_url = url.rstrip("/")
    shortened_url = reduce(str.removesuffix, ends, stripped_url)
    return url if shortened_url == stripped_url else shortened_url
