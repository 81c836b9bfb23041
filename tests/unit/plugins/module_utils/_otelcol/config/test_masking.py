# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of many forms: a rule finds each, and no mask lets one through. None of these is a secret of anyone's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.config_secrets import (
    find_secrets,
    is_secret,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.masking import (
    conceal_secrets,
    make_masker,
    make_salted_replacer,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.object_secrets import (
    find_secrets_in_objects,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.paths import iter_leaves
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.secret_kinds import secret_kind_at
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.secret_shapes import (
    find_secrets_in_text,
)
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.errors import MASK
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.secrets_in_clear import plaintext_secret
from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.rules.subject import Subject
from ansible_collections.o11y.opentelemetry.plugins.plugin_utils._otelcol._tables import CATALOGUE

from tests.support.growth import SLOW, measure_growth
from tests.support.planted_secrets import GUID, HEX, SECRETS, WORD

from ...helpers import cases
from ..rules.cases import Case, findings


def setting(path: str, value: str) -> dict[str, Any]:
    """Return the config with one setting of an exporter."""
    tree: Any = value
    for part in reversed(path.split("/")):
        tree = {part: tree}
    return {"exporters": {"x": tree}}


# Settings that look like secrets, and are none.
OTHERS: list[tuple[str, str]] = [
    ("password", "${env:PASSWORD}"),
    ("token", "${file:/etc/token}"),
    ("headers/authorization", "Bearer ${env:TOKEN}"),
    ("endpoint", "https://me:${env:PASSWORD}@host"),
    ("endpoint", "https://host/?token=${env:TOKEN}"),
    ("endpoint", "https://me@host:4318/a:b@c"),
    ("endpoint", "http://host:4318"),
    ("endpoint", "https://host/?key=name&token_type=jwt"),
    ("datasource", "host:5432"),
    ("datasource", "host=db user=me dbname=x"),
    ("connection_string", "Endpoint=sb://n.example.net/;SharedAccessKey=${env:KEY}"),
    ("token_file", "/var/run/secrets/token"),
    ("password_file", "/etc/otel/password"),
    ("bearer_token_file", "/var/run/secrets/kubernetes.io/serviceaccount/token"),
    ("credentials_file", "/etc/otel/credentials.json"),
    ("credentials", "/etc/otel/credentials.json"),
    ("tls/key_file", "/etc/tls/tls.key"),
    ("private_key_path", "/etc/tls/tls.key"),
    ("token_url", "https://login.example.com/oauth2/token"),
    ("token_type", "jwt"),
    ("secret_name", "backend-credentials"),
    ("secretName", "gateway-tls"),
    ("access_key_id", "backend"),
    ("api_key_header", "x-api-key"),
    ("password_attribute", "db.password"),
    ("auth/authenticator", "oauth2client/backend"),
    ("auth_type", "serviceAccount"),
    ("routing_key", "traceID"),
    ("key", "password"),
    ("from_attribute", "http.request.header.authorization"),
    ("partition_key", "service.name"),
    ("primary_key", "id"),
    ("max_tokens", "1000"),
    ("tokens", "many"),
    ("metadata_keys/x", "x-api-key"),
    ("next_token", "none"),
    ("image", f"otel/collector@sha256:{HEX}{HEX}"),
    ("commit", "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"),
    ("tenant_id", GUID),
    ("x", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("x", "k8s_container_memory_working_set_bytes_total_2"),
    ("x", "otelcol_exporter_send_failed_metric_points_total"),
    ("x", "io.opentelemetry.javaagent.instrumentation.HTTP2Client"),
    ("x", "arn:aws:iam::123456789012:role/Gateway-Collector-Role-2024"),
    ("x", r'set(attributes["password"], "x") where attributes["token"] == nil'),
    ("headers/X-Scope-OrgID", "tenant"),
    ("headers/content-type", "application/x-protobuf"),
    ("headers/x-datadog-trace-id", "1234567890123456"),
    ("tls/ca_pem", "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl\n-----END CERTIFICATE-----"),
    ("htpasswd/inline", "me:$2y$10$abcdefgh"),
    ("include", "/var/log/pods/*/secret/*.log"),
    ("ROUTING_KEY", "trace_id"),
    ("SSH_PUBLIC_KEY", "a-key-that-all-may-see"),
    ("otlp_headers", "x-scope-orgid=tenant,x-team-name=web"),
    ("args", "--token-file=/etc/token"),
]


def named(row: tuple[str, ...]) -> str:
    return f"{row[0]}={row[1][:40]}"


def test_the_tables_are_long_enough() -> None:
    assert len(set(SECRETS)) >= 55
    assert len(set(OTHERS)) >= 40


@pytest.mark.parametrize("row", SECRETS, ids=named)
def test_a_secret_is_found_and_masked_in_its_config(row: tuple[str, str, str]) -> None:
    path, value, secret = row
    config = setting(path, value)
    (found,) = findings(Case("plaintext-secret", "any", config))
    assert secret not in str(found)
    assert secret not in make_masker(find_secrets(config))(f"the exporter says: {value} is wrong")
    assert secret not in make_masker(find_secrets(config))(f"cannot reach https://host/x?y={secret}&z=1")


@pytest.mark.parametrize("row", SECRETS, ids=named)
def test_a_secret_is_masked_in_a_line_without_its_config(row: tuple[str, str, str]) -> None:
    path, value, secret = row
    parts = path.split("/")
    name = "api_key" if path == "api/key" else parts[-1]
    if path == "htpasswd/inline":
        name, value = "password", value.partition(":")[2].strip()
    for line in (f"{name}: {value}", f"  - {name}: {value}", f'{{"level":"error","{name}":"{value}"}}'):
        assert secret not in conceal_secrets(line), line
    assert secret not in conceal_secrets(f'Post "https://host/x?token={secret}": dial tcp: refused')


@pytest.mark.parametrize("row", OTHERS, ids=named)
def test_what_looks_like_a_secret_is_none(row: tuple[str, str]) -> None:
    path, value = row
    config = setting(path, value)
    assert findings(Case("plaintext-secret", "any", config)) == []
    if path != "htpasswd/inline":  # a hash is no secret in clear text, and is of no use in a message
        assert make_masker(find_secrets(config))(f"says {value}") == f"says {value}"
    assert conceal_secrets(f"{path.split('/')[-1]}: {value}") == f"{path.split('/')[-1]}: {value}"


@cases(
    "line",
    "Bearer_{}",
    "https://host/x?y=Bearer%20{}",
    r'{{"error":"cannot read\n{}\n"}}',
    r"header\u0026{}",
    "{}_and_more",
    "aa{0}{0}",
)
def test_a_long_secret_is_masked_inside_of_a_word(line: str) -> None:
    mask = make_masker(["aab-aac-aad-1", "aab-aac", "other-secret-2"])
    assert mask(line.format("aab-aac-aad-1")) == line.format(MASK)


@cases("write", lambda text: text.replace("'", "''"), json.dumps, lambda text: yaml.safe_dump({"key": text}))
def test_a_secret_is_masked_as_yaml_and_json_write_it(write: Callable[[str], str]) -> None:
    secret = "it's: a\\path\u00fc\"2"
    assert "path" not in make_masker([secret])(write(secret))


def test_a_short_secret_is_masked_as_a_word() -> None:
    mask = make_masker(["hunter2-abc", "admin"])
    assert mask("admin of administrators, hunter2-abcd") == f"{MASK} of administrators, hunter2-abcd"


@pytest.mark.parametrize("before", [r"login\n", r"denied\t", r"denied\u000a", "user%3A", "\x1b[31m", "\x1b[1;31m"])
def test_an_escape_before_a_short_secret_is_no_part_of_its_word(before: str) -> None:
    assert make_masker(["hunter2"])(f'{before}hunter2"') == f'{before}{MASK}"'


def test_a_secret_that_is_no_utf_8_is_masked() -> None:
    """A variable of the environment may have any bytes, which Python keeps as surrogates."""
    for secret in ("gehei\udcfcm1", "gehei\ud800m1"):
        assert make_masker([secret])(f"not {secret}") == f"not {MASK}"
        assert make_masker([secret], make_salted_replacer("a"))(f"not {secret}").startswith("not ***")
    mask = make_masker(["gehei\udcfcm1"])
    assert mask("https://me:gehei%FCm1@host/x") == f"https://me:{MASK}@host/x"
    assert mask("not " + b"gehei\xfcm1".decode(errors="replace")) == f"not {MASK}"


@cases(
    "text, shown",
    ("/tmp/otel-a.yaml:3", "/tmp/otel-a.yaml:3"),
    ("configs/otel/b.yaml", "configs/otel/b.yaml"),
    ("cannot read /etc/otel", "cannot read /etc/otel"),
    ("otel.example.com:4317", "otel.example.com:4317"),
    ("Deployment ns/otel-gateway", "Deployment ns/otel-gateway"),
    ("the password is otel.", f"the password is {MASK}."),
    ("password: otel, x", f"password: {MASK}, x"),
    ("login otel:otel@host", f"login {MASK}:{MASK}@host"),
)
def test_a_password_that_is_a_short_word_hides_no_name_of_a_file_or_host(text: str, shown: str) -> None:
    assert make_masker(["otel"])(text) == shown


def test_the_variable_of_a_data_source_is_no_secret() -> None:
    assert list(find_secrets_in_text("root:${env:MYSQL_PASSWORD}@tcp(db)/")) == []
    (found,) = find_secrets_in_text("root:hunter2@tcp(db)/")
    assert found.description == "a password in a data source"


@cases(
    "text, shown",
    ("# old key: Bearer COMMENTOLDKEY1", f"# old key: Bearer {MASK}"),
    (
        'otlphttp: {endpoint: "https://h:4318"} # was: bearer c0mment-trail',
        f'otlphttp: {{endpoint: "https://h:4318"}} # was: bearer {MASK}',
    ),
    ("# before: Basic dXNlcjpwYXNz, now oidc", f"# before: Basic {MASK}, now oidc"),
    ("    # Api-Key  abcd1234abcd", f"    # Api-Key  {MASK}"),
    ('"Splunk 00000000-aaaa-0000-1111-222222222222"', f'"Splunk {MASK}"'),
)
def test_a_credential_behind_its_scheme_is_masked_in_a_comment(text: str, shown: str) -> None:
    assert conceal_secrets(text) == shown


@cases(
    "text",
    "# Basic authentication, Bearer tokens-of-clients and Splunk enterprise follow",
    "# Bearer ${env:TOKEN_NUMBER_1} and Basic <login-1> and Token your-token-1",
    "# Basic OpenTelemetry config, bearertoken abcd1234, the-token kubernetes1",
    'WWW-Authenticate: Bearer realm="a1"',
)
def test_words_behind_a_scheme_stay_readable(text: str) -> None:
    assert conceal_secrets(text) == text


@cases(
    "line",
    "Exporting failed. Will retry the request after interval. error: token expired, interval: 5.2s",
    "password: must be set when username is set",
    "missing token: see https://example.com/docs#token",
    'rpc error: code = Unauthenticated desc = "no authorization header"',
    "authenticator: oauth2client/backend, secret: shop/gateway-tls not found",
)
def test_prose_stays_readable(line: str) -> None:
    assert conceal_secrets(f"2026-01-01T00:00:00Z error {line} (again)") == f"2026-01-01T00:00:00Z error {line} (again)"


# What the Collector types as opaque. Certificates are so typed, and are public.
ROWS = json.loads((CATALOGUE / "opaque.json").read_text(encoding="utf-8"))
OPAQUE = [row for row in ROWS if "public" not in row]


@pytest.mark.parametrize("row", OPAQUE, ids=lambda row: str(row["key"]))
def test_what_the_collector_types_as_opaque_is_a_secret(row: dict[str, Any]) -> None:
    key = row["key"]
    value = f"AccountKey={WORD}" if key == "connection_string" else WORD
    tree: Any = {"text": value, "list": [value], "headers": {"x-api-key": value}}[row["shape"]]
    config = {"exporters": {"x": {"api": {key: tree}} if key == "key" else {key: tree}}}
    assert find_secrets(config) == {WORD}
    assert len(findings(Case("plaintext-secret", "any", config))) == 1


@cases(
    "part",
    *(
        "a",
        "_",
        "-",
        "=",
        ":",
        "://",
        "://a:",
        "?key=",
        "token=",
        "token: ",
        "a1B",
        "a.",
        " ",
        "eyJaaaaaaaa.",
        "Bearer ",
        "Basic a",
        "Basic aaaaaaaa=",
    ),
    *("-----BEGIN PRIVATE KEY-----", "password: x\n", "${env:TOKEN:-"),
    ids=lambda part: part[:12],
)
def test_hostile_text_takes_linear_time(part: str) -> None:
    """Logs of megabytes are masked. A slow pattern shows in half a megabyte, a copy for each name in two."""
    largest = 2**21 if part == "token: " else 2**19
    few, many = (part * (size // len(part)) + "@tcp" for size in (largest // 4, largest))
    assert measure_growth(conceal_secrets, few, many) < SLOW


def test_a_number_of_thousands_of_digits_is_text() -> None:
    assert find_secrets({"token": 16**6000})


@cases(
    "path, value",
    ("headers/Authorization", "Basic ..."),
    ("headers/DD-API-KEY", "<token>"),
    ("password", "CHANGEME"),
    ("token", "your-token-here"),
    ("token", "****"),
    ("instrumentation_key", "00000000-0000-0000-0000-000000000000"),
)
def test_a_placeholder_is_no_leaked_secret(path: str, value: str) -> None:
    config = {**setting(path, value), "receivers": {"otlp": {"protocols": {"grpc": None}}}}
    config["service"] = {"pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["x"]}}}
    assert findings(Case("plaintext-secret", "any", config)) == []
    assert len(findings(Case("placeholder", "any", config))) == 1


def test_a_variable_with_a_secret_in_clear_text_is_an_error() -> None:
    secret = {
        "DD_API_KEY": WORD,
        "VENDOR_KEY": WORD,
        "OTLP_HEADERS": f"api-key={WORD}",
        "URL": f"http://me:{WORD}@host",
    }
    found = list(plaintext_secret(Subject({}, literal_variables={**secret, "LEVEL": "debug", "KEY_FILE": "/etc/key"})))
    assert len(found) == len(secret)
    assert {one.severity for one in found} == {""}, "the severity of the rule, which is an error"
    assert all(name in one.message for name, one in zip(secret, found, strict=True))
    assert WORD not in str(found)


@pytest.mark.parametrize("line", ["--token={}", "otelcol --set=exporters.x.password={} --verbose", "-api-key={}"])
def test_a_secret_on_a_command_line_is_masked(line: str) -> None:
    assert conceal_secrets(line.format(WORD)) == line.format("********")


@cases("name, found", ("X-Webhook-Token", {WORD}), ("Authorization", {WORD}), ("X-Tenant", set()))
def test_the_header_that_a_webhook_requires_is_a_header(name: str, found: set[str]) -> None:
    """Receivers such as webhook_event and gitlab have one, with its name and value beside each other."""
    config = {"exporters": {"x": {"required_header": {"key": name, "value": WORD}}}}
    assert find_secrets(config) == found
    assert len(findings(Case("plaintext-secret", "any", config))) == len(found)


@cases(
    "options",
    {"env": {"DD_API_KEY": {"secret": "datadog", "key": "api-key"}}},
    {"env": {"DD_API_KEY": {"secret": "datadog", "key": "api-key", "optional": True}}},
    {"image_pull_secrets": ["datadog"]},
    {"recipes": [{"otlp_forward": {"ca_secret": "datadog", "client_tls_secret": "datadog"}}]},
    {"ingress": {"tls_secret": "datadog"}},
)
def test_the_name_of_a_secret_is_none(options: dict[str, Any]) -> None:
    assert set(find_secrets_in_objects({"collectors": [options]})) == set()


def test_a_setting_named_secret_is_one() -> None:
    config = {"extensions": {"oauth2client": {"client_secret": WORD}}, "receivers": {"webhook": {"secret": f"{WORD}2"}}}
    assert find_secrets(config) == {WORD, f"{WORD}2"}


@cases(
    "config",
    {"exporters": {"acme": {"key": "AKIA", "secret": WORD}}},
    {"exporters": {"x": {"replica_secret": WORD}}},
    {"exporters": {"x": {"headers": {"x-tls-secret": WORD}}}},
)
def test_what_only_resembles_the_name_of_a_secret_is_one(config: dict[str, Any]) -> None:
    assert find_secrets(config) == {WORD}


def actions(name: str, value: Any) -> dict[str, Any]:
    return {"processors": {"attributes": {"actions": [{"key": name, "value": value, "action": "insert"}]}}}


def statement(name: str, value: str) -> dict[str, Any]:
    return {"processors": {"transform": {"trace_statements": [f'set(span.attributes["{name}"], "{value}")']}}}


@pytest.mark.parametrize("made", [actions, statement])
def test_the_value_of_an_attribute_that_is_named_like_a_secret_is_one(made: Any) -> None:
    config = made("api_key", WORD)
    (found,) = findings(Case("plaintext-secret", "any", config))
    assert (found.severity, found.message) == ("warning", "attribute api_key is written in clear text")
    assert find_secrets(config) == {WORD}


@cases(
    "name, value",
    *(("api_key", value) for value in ("x", "***", "[REDACTED]", "masked", "${env:KEY}", "")),
    ("http.request.header.content-type", WORD),
    ("token_type", "bearer-token"),
)
@pytest.mark.parametrize("made", [actions, statement])
def test_the_value_of_another_attribute_and_what_hides_one_is_none(made: Any, name: str, value: str) -> None:
    config = made(name, value)
    assert findings(Case("plaintext-secret", "any", config)) == []
    assert find_secrets(config) == set()


def test_the_default_of_a_variable_is_shown_unless_it_is_a_secret() -> None:
    wanted = "Give it a default: ${env:DD_API_KEY:-VALUE}."
    assert conceal_secrets(wanted) == wanted
    assert conceal_secrets("${env:DD_API_KEY:-hunter22}") == "${env:DD_API_KEY:-********}"


@pytest.mark.parametrize("note", ["token={}", "password: {}", '{{"api_key": "{}"}}'])
def test_a_secret_in_an_annotation_is_found_whatever_else_the_object_has(note: str) -> None:
    text = note.format(f"{WORD}1")
    assert set(find_secrets_in_objects([{"metadata": {"annotations": {"note": text}}}])) == {f"{WORD}1"}
    (found,) = plaintext_secret(Subject({}, object_notes={"annotations.note": text, "annotations.other": "a note"}))
    assert (found.severity, WORD in str(found)) == ("warning", False)
    assert "`annotations.note`" in found.message


@cases(
    "value, found", ("${env:TOKEN:-hunter22}", {"hunter22"}), ("${env:TOKEN:-changeme}", set()), ("${env:T:-}", set())
)
def test_a_secret_that_is_the_default_of_a_variable_is_one(value: str, found: set[str]) -> None:
    for config in (setting("token", value), setting("headers/authorization", f"Bearer {value}")):
        assert find_secrets(config) == found
        listed = findings(Case("plaintext-secret", "any", config))
        assert [(one.severity, "hunter22" in str(one)) for one in listed] == [("warning", False)] * len(found)


LOGIN = f"k7-{WORD}"
UNKNOWN = {"x-shop": LOGIN}


@cases(
    "config, found",
    ({"exporters": {"otlp": {"headers": UNKNOWN}}}, {LOGIN}),
    ({"exporters": {"otlp": {"headers": {"x-shop": f"${{env:SHOP:-{LOGIN}}}"}}}}, {LOGIN}),
    ({"spec": {"config": {"exporters": {"otlp": {"headers": UNKNOWN}}}}}, {LOGIN}),
    ({"recipes": [{"otlp_forward": {"headers": UNKNOWN}}]}, {LOGIN}),
    ({"extensions": {"headers_setter": {"headers": [{"key": "x-shop", "value": LOGIN}]}}}, {LOGIN}),
    ({"receivers": {"otlp": {"response_headers": UNKNOWN}}}, set()),
    ({"receivers": {"otlp": {"required_header": {"key": "x-shop", "value": LOGIN}}}}, set()),
    *(
        ({"exporters": {"otlp": {"headers": {name: value}}}}, set())
        for name, value in (
            ("x-shop", "${env:SHOP}"),
            ("x-shop", "true"),
            ("x-shop", "blue"),
            ("x-shop", "production-of-the-shop"),
            ("X-Cluster-Name", "production-eu-1"),
            ("X-Forwarded-For", "192.0.2.1,gateway"),
            ("x-aws-log-group", "/blue/applications"),
            ("x-aws-log-stream", "gateway-of-blue"),
            ("X-Scope-OrgID", "organization"),
            ("x-tenant-id", "organization"),
            ("User-Agent", "Collector/1.2.3"),
            ("content-type", "application/x-protobuf"),
            ("dd-otlp-source", "datadog-agent"),
            ("x-honeycomb-dataset", "production-traces"),
            ("stream-name", "production-traces"),
        )
    ),
)
def test_the_value_of_a_header_of_an_unknown_name_is_hidden_if_it_may_be_a_login(config: Any, found: set[str]) -> None:
    assert find_secrets(config) == found
    # No rule reports it: only its owner knows whether it is a secret.
    assert not any(secret_kind_at(config, path, str(value)) for path, value in iter_leaves(config))


@cases(
    "settings, path, shown",
    ({"headers": [{"name": "X-Api-Key", "value": "0123"}]}, ("headers", 0, "value"), False),
    ({"actions": [{"key": "password", "value": "0123"}]}, ("actions", 0, "value"), False),
    ({"headers": [{"name": "X-Scope-OrgID", "value": "0123"}]}, ("headers", 0, "value"), True),
    ({"actions": [{"key": "team", "value": "0123"}]}, ("actions", 0, "value"), True),
)
def test_no_message_quotes_a_value_whose_name_stands_beside_it(
    settings: dict[str, Any], path: tuple[str | int, ...], shown: bool
) -> None:
    config = {"exporters": {"a": settings}}
    assert is_secret(("exporters", "a", *path), "0123", config) is not shown
