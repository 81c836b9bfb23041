# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of many forms, each with its own number, in every input that may hold one. None is a secret of anyone's.

`SECRETS` has settings of a config: the path below a component, the value, and the part that nobody may see.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

WORD = "correct-horse-battery"
HEX = "0123456789abcdef0123456789abcdef"
BASE64 = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4MDEyMzQ1Njc4OQ=="
GUID = "1b2c3d4e-0a1b-4c2d-8e3f-123456789abc"
RANDOM = "q7Xn2vK9LmW4pRz8TbYc3HdJ6sGf1aQe"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bqx\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
SLACK = "/".join(("https://hooks.slack.com/services", "T0000AAAA", "B0000BBBB", "c0rrecth0rsebattery"))

SECRETS: list[tuple[str, str, str]] = [
    *(
        (path, value, value)
        for path, value in (
            ("password", WORD),
            ("auth/basic/password", WORD),
            ("passphrase", WORD),
            ("sasl_plain/passwd", WORD),
            ("token", HEX),
            ("access_token", WORD),
            ("account_token", WORD),
            ("api_token", WORD),
            ("installation_token", WORD),
            ("sas_token", WORD),
            ("sasl_xauth2/bearer", WORD),
            ("api/key", HEX),
            ("api_key", WORD),
            ("apiKey", WORD),
            ("Api-Key", WORD),
            ("apikey", WORD),
            ("application_key", WORD),
            ("app_key", WORD),
            ("ingest_key", WORD),
            ("write_key", WORD),
            ("license_key", WORD),
            ("account_key", BASE64),
            ("shared_key", BASE64),
            ("access_key", WORD),
            ("secret_key", WORD),
            ("secret_access_key", WORD),
            ("client_certificate_key", WORD),
            ("instrumentation_key", GUID),
            ("private_key", WORD),
            ("client_secret", WORD),
            ("clientSecret", WORD),
            ("webhook/secret", WORD),
            ("auth_password", WORD),
            ("privacy_password", WORD),
            ("authorization/credentials", WORD),
            ("headers/api-key", WORD),
            ("headers/DD-API-KEY", HEX),
            ("headers/x-honeycomb-team", WORD),
            ("headers/X-Sumo-Key", WORD),
            ("headers/x-api-key", WORD),
            ("headers/lightstep-access-token", WORD),
            ("headers/x-vendor-auth", WORD),
            ("headers/Cookie", WORD),
            ("tls/key_pem", PEM),
            ("tls/anything", PEM),
            ("x", RANDOM),
            ("x", JWT),
            ("x", "AKIA" + "IOSFODNN7EXAMPLX"),
            ("x", "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789"),
            ("x", "glpat-" + "abcdefghij0123456789"),
        )
    ),
    ("headers/Authorization", f"Bearer {WORD}", WORD),
    ("headers/authorization", f"Basic {BASE64}", BASE64),
    ("headers/Authorization", f"Splunk {GUID}", GUID),
    ("htpasswd/inline", f"me:{WORD}\n", WORD),
    ("endpoint", f"https://me:{WORD}@host:4318/x", WORD),
    ("endpoint", f"https://{HEX}@o1.ingest.example.com/1", HEX),
    ("endpoint", f"https://listener.example.com:8071/?token={WORD}", WORD),
    ("endpoint", f"https://host/x?a=b&api_key={WORD}", WORD),
    ("endpoint", f"https://store.example.net/x?sv=2022&sig={WORD}%3D&se=1", f"{WORD}%3D"),
    ("endpoint", f"https://host/x?X-Amz-Signature={HEX}", HEX),
    ("endpoint", f"https://collectors.sumologic.com/receiver/v1/http/{BASE64}", BASE64),
    ("url", SLACK, "c0rrecth0rsebattery"),
    (
        "connection",
        f"Endpoint=sb://n.example.net/;SharedAccessKeyName=Root;SharedAccessKey={BASE64};EntityPath=h",
        BASE64,
    ),
    ("connection_string", f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={BASE64};x=y", BASE64),
    ("connection_string", f"InstrumentationKey={GUID};IngestionEndpoint=https://x/", GUID),
    ("datasource", f"me:{WORD}@tcp(db:3306)/x", WORD),
    ("datasource", f"host=db user=me password={WORD} dbname=x", WORD),
    ("dsn", f"postgres://me:{WORD}@db/x", WORD),
    ("otlp/headers_list", f"x-tenant=blue,api-key={WORD}", WORD),
]

# Variables in clear text, by their names.
VARIABLES = {
    "DD_API_KEY": HEX,
    "BACKEND_TOKEN": WORD,
    "DATABASE_URL": f"postgres://me:{WORD}@db/x",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": BASE64,
    "OTEL_EXPORTER_OTLP_HEADERS": f"api-key={WORD}",
    "SPLUNK_HEC": f"https://host/x?token={WORD}",
    "STORE": f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={BASE64};x=y",
    "HUB": f"Endpoint=sb://n.example.net/;SharedAccessKeyName=Root;SharedAccessKey={BASE64}",
    "CERT": PEM,
    "ANYTHING": RANDOM,
}


class PlantedSecrets:
    """One generation of all secrets: the first is in the inventory, the second in the cluster."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.secrets: dict[str, str] = {}

    def plant_numbered(self, form: str, value: str, secret: str) -> str:
        """Return a value whose secret has a number of its own, and note that secret."""
        number = f"{self.generation}{len(self.secrets):03}"
        secret_body = secret.split("\n")[1] if "\n" in secret else secret
        middle = len(secret_body) * 3 // 4
        planted_part = secret_body[: middle - 2] + number + secret_body[middle + 2 :]
        self.secrets[form] = planted_part
        return value.replace(secret_body, planted_part)

    def build_config(self) -> dict[str, Any]:
        """Return a config with an exporter for each form."""
        exporters: dict[str, Any] = {}
        for index, (path, value, secret) in enumerate(SECRETS):
            tree: Any = self.plant_numbered(f"{path}={value[:40]}", value, secret)
            for path_part in reversed(path.split("/")):
                tree = {path_part: tree}
            exporters[f"{COMPONENT}/{index}"] = tree
        pipeline = {"receivers": ["otlp"], "exporters": list(exporters)}
        return {
            "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "0.0.0.0:4317"}}}},
            "exporters": exporters,
            "service": {"pipelines": {"logs": pipeline}},
        }

    def build_variables(self) -> dict[str, str]:
        """Return variables with a secret each."""
        variables = {}
        for name, value in VARIABLES.items():
            secret = next((known_secret for known_secret in (PEM, WORD, BASE64, HEX) if known_secret in value), value)
            variables[name] = self.plant_numbered(name, value, secret)
        return variables

    def find_secret(self, name: str) -> str:
        """Return a secret that has one place only."""
        return self.secrets.get(name) or self.plant_numbered(name, WORD, WORD)

    def find_leaked_forms(self, text: str) -> list[str]:
        """Return the forms whose secret a text shows, as it is, escaped, quoted for a URL, or in base64."""
        return sorted(
            form
            for form, secret in self.secrets.items()
            if any(spelling in text for spelling in list_spellings(secret))
        )


COMPONENT = "splunk_hec"


def list_spellings(secret: str) -> Iterator[str]:
    """Yield the ways in which a secret may be written."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield quote(secret, safe="")
    encoded = base64.b64encode(secret.encode()).decode()
    yield encoded.rstrip("=")
