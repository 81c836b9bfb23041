# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is encrypted, has no end or is no file is refused, wherever a file is given; a secret shows nowhere."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.release import __version__

from tests.support import plays

SECRET, PASSWORD = "correct-horse-battery", "open sesame"
CONFIG = """\
receivers: {otlp: {protocols: {http: }}}
exporters:
  otlp_http:
    endpoint: https://backend.example.com
    timeout: TIMEOUT
service: {pipelines: {traces: {receivers: [otlp], exporters: [otlp_http]}}}
"""
TEST = """\
config: plain.yaml
tests:
  - name: NAME
    given: {traces: [{name: a}]}
    expect: {otlp_http: {traces: 1}}
"""
RECIPE = "summary: X\nmodes: [deployment]\n"
OWN = {"recipes": ["otlp_ingest", "debug_output"]}


def encrypted(text: str) -> str:
    """Return a text as ansible-vault encrypts it."""
    vault = VaultLib([("default", VaultSecret(PASSWORD.encode()))])
    return vault.encrypt(text.encode()).decode()


def tagged(text: str, indent: int) -> str:
    """Return a text as an encrypted value of YAML."""
    lines = encrypted(text).splitlines()
    return "\n".join(["!vault |", *(" " * indent + line for line in lines)])


def chart(path: Path) -> None:
    """Write a small archive whose Chart.yaml is large."""
    entry = tarfile.TarInfo("cert-manager/Chart.yaml")
    entry.size = 64 << 20
    with gzip.open(path, "wb") as packed, tarfile.open(fileobj=packed, mode="w") as made:
        made.addfile(entry, io.BytesIO(b"name: cert-manager\n#" + bytes(entry.size - 20)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with files that must not be taken."""
    made = tmp_path_factory.mktemp("guarded")
    (made / "plain.yaml").write_text(CONFIG.replace("TIMEOUT", "5s"))
    (made / "value.yaml").write_text(CONFIG.replace("TIMEOUT", tagged("7s", 6)))
    (made / "whole.yaml").write_text(encrypted(CONFIG))
    (made / "unsafe.yaml").write_text(CONFIG.replace("TIMEOUT", "!unsafe 7s"))
    (made / "tag.yaml").write_text(CONFIG.replace("TIMEOUT", "!Ref Timeout"))
    (made / "value_test.yml").write_text(TEST.replace("NAME", tagged("a", 6)))
    (made / "whole_test.yml").write_text(encrypted(TEST))
    os.mkfifo(made / "pipe.yaml")
    with (made / "large.yaml").open("wb") as file:
        file.truncate(1 << 40)
    chart(made / "chart.tgz")
    for name, recipe, template in (
        ("whole", encrypted(RECIPE), "{}"),
        ("template", RECIPE, encrypted("{}")),
        ("value", "summary: " + tagged("X", 2) + "\nmodes: [deployment]\n", "{}"),
        ("pipe", RECIPE, ""),
    ):
        place = made / "recipes" / name
        place.mkdir(parents=True)
        (place / "recipe.yml").write_text(recipe)
        if template:
            (place / "config.yml.j2").write_text(template)
        else:
            os.mkfifo(place / "config.yml.j2")
    return made


def files(folder: Path, *names: str) -> dict[str, Any]:
    return {"otel_collectors": [{"name": "a", "config_files": [str(folder / name) for name in names]}]}


def recipe(folder: Path, name: str) -> dict[str, Any]:
    return {
        "otel_collector_recipe_paths": [str(folder / "recipes")],
        "otel_collectors": [{"name": "a", "recipes": [name]}],
    }


RENDERED: dict[str, tuple[Any, str]] = {
    "file_value": (lambda at: files(at, "value.yaml"), "the value is encrypted (!vault) (at FOLDER/value.yaml:5:14)"),
    "file_whole": (
        lambda at: files(at, "whole.yaml"),
        "FOLDER/whole.yaml is encrypted with ansible-vault. Nothing dec",
    ),
    "file_tag": (lambda at: files(at, "tag.yaml"), "the tag !Ref is unknown (at FOLDER/tag.yaml:5:14)"),
    "file_unsafe": (lambda at: files(at, "unsafe.yaml"), ""),
    "file_zero": (lambda at: files(at, "/dev/zero"), "/dev/zero is no regular file but a device"),
    "file_pipe": (lambda at: files(at, "pipe.yaml"), "FOLDER/pipe.yaml is no regular file but a pipe"),
    "file_large": (lambda at: files(at, "large.yaml"), "FOLDER/large.yaml is larger than 16 MiB"),
    "recipe_whole": (lambda at: recipe(at, "whole"), "whole/recipe.yml is encrypted with ansible-vault"),
    "recipe_template": (lambda at: recipe(at, "template"), "template/config.yml.j2 is encrypted with ansible-vault"),
    "recipe_value": (lambda at: recipe(at, "value"), "the value is encrypted (!vault) (at FOLDER/recipes/value/rec"),
    "recipe_pipe": (lambda at: recipe(at, "pipe"), "pipe/config.yml.j2 is no regular file but a pipe"),
}


def said(done: Any) -> dict[str, str]:
    """Return what a run says of each host."""
    parts = [part.partition("[ERROR]")[0] for part in done.stdout.split("fatal: [")[1:]]
    return {part.partition("]")[0]: " ".join(part.split()).replace("''", "'") for part in parts}


def test_files_of_collectors(folder: Path, tmp_path: Path) -> None:
    hosts = {name: make(folder) for name, (make, _wrong) in RENDERED.items()}
    found = said(plays.run(tmp_path, "playbooks/render.yml", hosts))
    for name, (_make, wrong) in RENDERED.items():
        assert wrong.replace("FOLDER", str(folder)) in found.get(name, ""), (name, found.get(name))
    assert "file_unsafe" not in found


PRODUCTS: dict[str, tuple[Any, str]] = {
    "manifest_zero": (lambda _at: {"source": "/dev/zero"}, "/dev/zero is no regular file but a device"),
    "manifest_pipe": (lambda at: {"source": f"{at}/pipe.yaml"}, "pipe.yaml is no regular file but a pipe"),
    "manifest_whole": (lambda at: {"source": f"{at}/whole.yaml"}, "whole.yaml is encrypted with ansible-vault"),
    "chart_bomb": (lambda at: {"provider": "helm", "chart": f"{at}/chart.tgz"}, "Chart.yaml is larger than 1 MiB"),
}


def test_manifests_and_charts(folder: Path, tmp_path: Path) -> None:
    book = tmp_path / "book.yml"
    for name, (make, wrong) in PRODUCTS.items():
        options = {"product": "cert-manager", "version": "1.20.0", "provider": "manifest", **make(folder)}
        book.write_text(
            "- hosts: localhost\n  gather_facts: false\n  tasks:\n"
            f"    - o11y.opentelemetry.release_render: {json.dumps(options)}\n"
        )
        done = plays.run_playbook(str(book))
        assert wrong in " ".join(done.stdout.split()), (name, done.stdout)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("value.yaml", "the value is encrypted (!vault)"),
        ("whole.yaml", "whole.yaml is encrypted with ansible-vault"),
        ("tag.yaml", "the tag !Ref is unknown"),
        ("large.yaml", "large.yaml is larger than 16 MiB"),
    ],
)
def test_files_that_are_validated(folder: Path, name: str, wrong: str) -> None:
    done = plays.run_playbook("playbooks/validate.yml", "-e", f"pipeline_validate_paths={folder / name}")
    assert done.returncode
    assert wrong in " ".join(done.stdout.split())


@pytest.mark.parametrize("name", ["value_test.yml", "whole_test.yml"])
def test_files_of_tests(folder: Path, name: str) -> None:
    done = plays.run_playbook("playbooks/test.yml", "-e", f"pipeline_test_paths={folder / name}")
    assert done.returncode
    assert "encrypted" in done.stdout


def test_a_value_of_a_vault_goes_to_a_secret_alone(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD)
    collector = "{name: a, recipes: [otlp_ingest, debug_output], "
    (tmp_path / "inventory.yml").write_text(f"""\
all:
  vars:
    vaulted: {tagged(SECRET, 6)}
  hosts:
    named: {{otel_collectors: [{collector} env: {{TOKEN: "{{{{ vaulted }}}}"}}}}]}}
    unnamed: {{otel_collectors: [{collector} env: {{COLOUR: "{{{{ vaulted }}}}"}}}}]}}
    config: {{otel_collectors: [{collector} config: {{extensions: {{x: {{colour: "{{{{ vaulted }}}}"}}}}}}}}]}}
    right:
      otel_collectors:
        - name: a
          recipes: [otlp_ingest, debug_output]
          env: {{TOKEN: {{secret: backend, key: token}}}}
          extra_manifests:
            - {{apiVersion: v1, kind: Secret, metadata: {{name: backend}}, stringData: {{token: "{{{{ vaulted }}}}"}}}}
""")
    done = plays.run_playbook(
        *("-i", str(tmp_path / "inventory.yml"), "-e", f"otel_collector_output_path={tmp_path}/out"),
        *("--vault-password-file", str(tmp_path / "password"), "playbooks/render.yml"),
    )
    found = said(done)
    assert "error [plaintext-secret] variable TOKEN in `env` holds a secret" in found["named"]
    # Before 2.19, ansible-core forgets which values are of a vault when it fills them in: only names tell then.
    forgets = __version__.startswith("2.18.")
    if not forgets:
        assert "error [plaintext-secret] variable COLOUR in `env` holds a secret" in found["unnamed"]
        assert "`colour` has a value of a vault in clear text" in found["config"]
    assert "right" not in found
    assert SECRET not in done.stdout + done.stderr
    text = (tmp_path / "out" / "right" / "manifests.yml").read_text()
    assert text.count(SECRET) == 1
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"right", *(["unnamed"] if forgets else [])}
