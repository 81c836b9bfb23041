# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a name says whether it is that of a secret, but for a few names that only look so."""

from __future__ import annotations

from ansible_collections.o11y.opentelemetry.plugins.module_utils._otelcol.config.secret_names import (
    is_harmless_header,
    is_secret_attribute,
    is_secret_header,
    is_secret_name,
    is_setting_of_headers,
    is_setting_of_pairs,
    names_credential_source,
)

from tests.support.cases import cases


@cases(
    "name, is_secret",
    ("password", True),
    ("db_password", True),
    ("db-password", True),
    ("apiToken", True),
    ("api_key", True),
    ("apikey", True),
    ("my.api.key", True),
    ("shared_accesskey", True),
    ("X-Amz-Signature", True),
    ("dsn", True),
    ("cookie", True),
    ("DATADOG_KEY", True),
    ("compass", False),
    ("session_cookie", False),
    ("key", False),
    ("routing_key", False),
    ("ca_secret", False),
    ("my_ca_secret", True),
    ("next_token", False),
    ("my_pagination_token", False),
    ("PARTITION_KEY", False),
    ("MY_PARTITION_KEY", False),
    ("REPARTITION_KEY", True),
    ("_KEY", False),
    ("datadog_key", False),
    ("x" * 124 + "_password", False),
    ("", False),
)
def test_a_name_is_that_of_a_secret_by_its_end(name: str, is_secret: bool) -> None:
    assert is_secret_name(name) is is_secret


@cases(
    "name, is_secret",
    ("Authorization", True),
    ("X_Api_Key", True),
    ("x-vendor-key", True),
    ("x--key", True),
    ("Set-Cookie", True),
    ("x-honeycomb-team", True),
    ("x-auth", True),
    ("x-key", False),
    ("steam", False),
    ("x-request-id", False),
)
def test_a_header_is_a_secret_by_more_names(name: str, is_secret: bool) -> None:
    assert is_secret_header(name) is is_secret


@cases(
    "name, is_harmless",
    ("Accept", True),
    ("User_Agent", True),
    ("traceparent", True),
    ("x-b3-traceid", True),
    ("x-forwarded-for", True),
    ("x-cloud-trace-id", True),
    ("X-Scope-OrgID", True),
    ("tenant", True),
    ("x-db-name", True),
    ("trace-id", False),
    ("x-accept", False),
    ("x-vendor-key", False),
    ("subtype", False),
)
def test_a_header_is_harmless_by_its_name(name: str, is_harmless: bool) -> None:
    assert is_harmless_header(name) is is_harmless


@cases("value, is_secret", ("abcd", True), ("***", False), ("", False))
def test_a_short_value_of_an_attribute_hides_a_secret(value: str, is_secret: bool) -> None:
    assert is_secret_attribute("password", value) is is_secret


@cases(
    "name, has_pairs",
    ("dsn", True),
    ("dataSource", True),
    ("redis_connection", True),
    ("OTEL_EXPORTER_OTLP_HEADERS", True),
    ("headers_list", True),
    ("headers", False),
    ("token", False),
    (0, False),
)
def test_a_data_source_and_a_list_of_headers_have_pairs(name: object, has_pairs: bool) -> None:
    assert is_setting_of_pairs(name) is has_pairs


@cases("name, has_headers", ("headers", True), ("response_headers", True), ("header", False), (0, False))
def test_a_setting_of_headers_is_named_so(name: object, has_headers: bool) -> None:
    assert is_setting_of_headers(name) is has_headers


@cases(
    "name, value, names_source",
    ("credentials", "/var/aws", True),
    ("Credentials_File", "~/aws", True),
    ("credentials", "managed_identity", True),
    ("credentials", "abcd", False),
    ("token", "/var/aws", False),
    (0, "/var/aws", False),
)
def test_credentials_may_be_a_file_or_a_method(name: object, value: str, names_source: bool) -> None:
    assert names_credential_source(name, value) is names_source
