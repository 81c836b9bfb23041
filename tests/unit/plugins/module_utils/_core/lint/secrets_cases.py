# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases of the rule on secrets in clear text. None of these is a secret of anyone's."""

from __future__ import annotations

from typing import Any

from .cases import Table
from .shapes import Json

# Whatever a finding says, it never says this.
SECRET = "correct-horse-battery"


def exporter(**settings: Any) -> Json:
    return {"exporters": {"x": settings}}


def extension(**settings: Any) -> Json:
    return {"extensions": {"x": settings}}


KEY = f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}"
CASES: Table = {
    "plaintext-secret": {
        "a key": (
            exporter(api={"key": SECRET, "site": "x"}),
            "exporters.x.api.key: `key` is written in clear text Write `${env:NAME}` here, and give NAME in "
            "`env` as `{secret: SECRET,",
        ),
        "a password": (extension(client_auth={"password": SECRET}), "extensions.x.client_auth.password: `password`"),
        "a number": (exporter(token=12345678), "exporters.x.token: `token`"),
        "with a dash and capitals": (exporter(**{"Api-Key": SECRET}), "exporters.x.Api-Key: `Api-Key`"),
        "a header": (
            exporter(headers={"Authorization": f"Bearer {SECRET}"}),
            "exporters.x.headers.Authorization: header authorization",
        ),
        "a vendor's header": (
            exporter(headers={"x-honeycomb-team": SECRET}),
            "exporters.x.headers.x-honeycomb-team: header",
        ),
        "a header in a list": (
            exporter(headers=[{"name": "api-key", "value": SECRET}]),
            "exporters.x.headers[0].value: header api-key",
        ),
        "a URL": (exporter(endpoint=f"https://me:{SECRET}@host/x"), "exporters.x.endpoint: a password in a URL"),
        "a data source": (
            exporter(datasource=f"me:{SECRET}@tcp(db:3306)/x"),
            "exporters.x.datasource: a password in a data source",
        ),
        "users": (
            extension(htpasswd={"inline": f"me:{SECRET}"}),
            "extensions.x.htpasswd.inline: a password is written",
        ),
        "a certificate's key": (exporter(tls={"anything": KEY}), "exporters.x.tls.anything: a private key"),
        "an escaped dollar": (exporter(password="$$9horse"), "exporters.x.password: `password`"),
        "a URL in a list": (exporter(urls=[f"jdbc:pg://me:{SECRET}@h"]), "exporters.x.urls[0]: a password in a URL"),
        "of the collector's own telemetry": (
            {"service": {"telemetry": {"otlp": {"headers": {"x-api-key": SECRET}}}}},
            "service.telemetry.otlp.headers.x-api-key: header x-api-key",
        ),
        "a variable": exporter(password="${env:PASSWORD}", api={"key": "${DD_API_KEY}"}),
        "a file": extension(token="${file:/etc/token}"),
        "part of a value": exporter(headers={"authorization": "Bearer ${env:TOKEN}"}),
        "a variable in a URL": exporter(endpoint="https://me:${env:PASSWORD}@host"),
        "a URL without a password": exporter(endpoint="https://me@host:4318/a:b@c"),
        "a host and port": exporter(endpoint="http://host:4318", datasource="host:5432"),
        "files of secrets": exporter(password_file="/etc/secret", bearer_token_file="/a", key_file="/b"),
        "nothing": exporter(password=None, token="", secret=False),
        "a placeholder": exporter(password="<PASSWORD>", token="****"),
        "hashes": extension(htpasswd={"inline": "me:$2y$10$abcdefgh"}),
        "other headers": exporter(headers={"X-Scope-OrgID": "tenant", "content-type": "text"}),
        "the name of an attribute": {
            "processors": {"attributes": {"actions": [{"key": "password", "action": "delete"}]}}
        },
    }
}
