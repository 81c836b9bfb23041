# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates out of PEM: what they say, and who has signed them."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from ansible_collections.o11y.opentelemetry.plugins.module_utils._edge.diagnose import certificates as pem

from tests.support.certificates import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("certificates")
    main(made, ["gateway.obs.svc", "10.0.0.1"])
    return made


def parsed(folder: Path, name: str) -> list[pem.Parsed]:
    return pem.certificates((folder / f"{name}.crt").read_bytes())


def test_what_a_certificate_says(folder: Path) -> None:
    (server,) = parsed(folder, "server")
    assert server.facts.subject == "CN=server"
    assert server.facts.issuer == "CN=ca"
    assert server.facts.names == ("gateway.obs.svc", "10.0.0.1")
    assert not server.facts.is_ca
    assert server.facts.not_before < server.facts.not_after
    assert parsed(folder, "ca")[0].facts.is_ca


def test_who_signed_it(folder: Path) -> None:
    server = parsed(folder, "server")
    assert pem.trusts(parsed(folder, "ca"), server)
    assert pem.trusts([*parsed(folder, "other-ca"), *parsed(folder, "ca")], server)
    assert pem.trusts(server, server)
    assert not pem.trusts(parsed(folder, "other-ca"), server)
    assert not pem.trusts([], server)


def test_keys_and_broken_texts_are_no_certificates(folder: Path) -> None:
    assert pem.certificates((folder / "server.key").read_bytes()) == []
    assert pem.certificates(b"-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n") == []
    assert pem.decoded(base64.b64encode(b"x").decode()) == b"x"
    assert pem.decoded("%") == b""


def test_the_library_is_there() -> None:
    assert pem.available() == ""
