# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rule on secrets in clear text. None of these is a secret of anyone's."""

from __future__ import annotations

from typing import Any

from .cases import Case
from .shapes import Json

RULE = "plaintext-secret"
# Whatever a finding says, it never says this.
SECRET = "correct-horse-battery"


def exporter(**settings: Any) -> Json:
    return {"exporters": {"x": settings}}


def extension(**settings: Any) -> Json:
    return {"extensions": {"x": settings}}


def bad(name: str, config: Json, path: str, says: str) -> Case:
    return Case(RULE, name, config, path, says)


def good(name: str, config: Json) -> Case:
    return Case(RULE, name, config)


KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}"
CASES = [
    bad(
        "a key",
        exporter(api={"key": SECRET, "site": "x"}),
        "exporters.x.api.key",
        "`key` is written in clear text Write `${env:NAME}` here, and give NAME in `env` as `{secret: SECRET,",
    ),
    bad("a password", extension(client_auth={"password": SECRET}), "extensions.x.client_auth.password", "`password`"),
    bad("a number", exporter(token=12345678), "exporters.x.token", "`token`"),
    bad("with a dash and capitals", exporter(**{"Api-Key": SECRET}), "exporters.x.Api-Key", "`Api-Key`"),
    bad(
        "a header",
        exporter(headers={"Authorization": f"Bearer {SECRET}"}),
        "exporters.x.headers.Authorization",
        "header authorization",
    ),
    bad(
        "a vendor's header",
        exporter(headers={"x-honeycomb-team": SECRET}),
        "exporters.x.headers.x-honeycomb-team",
        "header",
    ),
    bad(
        "a header in a list",
        exporter(headers=[{"name": "api-key", "value": SECRET}]),
        "exporters.x.headers[0].value",
        "header api-key",
    ),
    bad("a URL", exporter(endpoint=f"https://me:{SECRET}@host/x"), "exporters.x.endpoint", "a password in a URL"),
    bad(
        "a data source",
        exporter(datasource=f"me:{SECRET}@tcp(db:3306)/x"),
        "exporters.x.datasource",
        "a password in a data source",
    ),
    bad(
        "users", extension(htpasswd={"inline": f"me:{SECRET}"}), "extensions.x.htpasswd.inline", "a password is written"
    ),
    bad("a certificate's key", exporter(tls={"anything": KEY}), "exporters.x.tls.anything", "a private key"),
    bad("an escaped dollar", exporter(password="$$9horse"), "exporters.x.password", "`password`"),
    bad("a URL in a list", exporter(urls=[f"jdbc:pg://me:{SECRET}@h"]), "exporters.x.urls[0]", "a password in a URL"),
    bad(
        "of the collector's own telemetry",
        {"service": {"telemetry": {"otlp": {"headers": {"x-api-key": SECRET}}}}},
        "service.telemetry.otlp.headers.x-api-key",
        "header x-api-key",
    ),
    good("a variable", exporter(password="${env:PASSWORD}", api={"key": "${DD_API_KEY}"})),
    good("a file", extension(token="${file:/etc/token}")),
    good("part of a value", exporter(headers={"authorization": "Bearer ${env:TOKEN}"})),
    good("a variable in a URL", exporter(endpoint="https://me:${env:PASSWORD}@host")),
    good("a URL without a password", exporter(endpoint="https://me@host:4318/a:b@c")),
    good("a host and port", exporter(endpoint="http://host:4318", datasource="host:5432")),
    good("files of secrets", exporter(password_file="/etc/secret", bearer_token_file="/a", key_file="/b")),
    good("nothing", exporter(password=None, token="", secret=False)),
    good("a placeholder", exporter(password="<PASSWORD>", token="****")),
    good("hashes", extension(htpasswd={"inline": "me:$2y$10$abcdefgh"})),
    good("other headers", exporter(headers={"X-Scope-OrgID": "tenant", "content-type": "text"})),
    good(
        "the name of an attribute",
        {"processors": {"attributes": {"actions": [{"key": "password", "action": "delete"}]}}},
    ),
]
