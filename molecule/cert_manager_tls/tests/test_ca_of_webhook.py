"""A webhook whose certificate the API server does not trust is named, and not waited for longer than the run waits."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.support import certificates

NAMESPACE, NAME = "cert-manager-tls-webhook", "cert-manager-tls.example.com"
# A server with TLS. The API server trusts its own Service, whatever the configuration of the webhook says.
SERVICE = {"namespace": "cert-manager", "name": "cert-manager-webhook", "path": "/validate"}
WAIT_SECONDS = 10


@pytest.fixture
def webhook(host: Host, tmp_path: Path) -> Iterator[None]:
    """Create a webhook for the ConfigMaps of one namespace, with the CA of another server."""
    certificates.main(tmp_path, ["other"])
    bundle = base64.b64encode((tmp_path / "ca.crt").read_bytes()).decode()
    configmaps = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["configmaps"]}
    configuration = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": NAME},
        "webhooks": [
            {
                "name": NAME,
                "admissionReviewVersions": ["v1"],
                "sideEffects": "None",
                "clientConfig": {"service": SERVICE, "caBundle": bundle},
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
                "rules": [configmaps],
            }
        ],
    }
    file = tmp_path / "webhook.json"
    file.write_text(json.dumps(configuration), encoding="utf-8")
    host.check_output(f"kubectl create namespace {NAMESPACE}")
    host.check_output(f"kubectl apply -f {file}")
    yield
    host.check_output(f"kubectl delete validatingwebhookconfiguration {NAME}")
    host.check_output(f"kubectl delete namespace {NAMESPACE}")


@pytest.mark.usefixtures("webhook")
def test_an_untrusted_webhook_ends_the_run_in_its_time(host: Host, tmp_path: Path) -> None:
    variables = tmp_path / "variables.json"
    collectors = [{"name": "gateway", "recipes": ["otlp_ingest", "debug_output"]}]
    given = {"otel_collectors": collectors, "otel_collector_namespace": NAMESPACE}
    variables.write_text(json.dumps({**given, "otel_collector_wait_seconds": WAIT_SECONDS}), encoding="utf-8")
    start = time.monotonic()
    done = host.run(f"ansible-playbook o11y.opentelemetry.site -i cluster, -e @{variables}")
    took = time.monotonic() - start
    output = " ".join((done.stdout + done.stderr).split())
    assert done.rc == 2, output
    assert NAME in output
    assert "does not trust the certificate" in output
    # Twice: the longest pause between two tries, and what Ansible needs on a busy machine.
    assert took < 3 * WAIT_SECONDS + 15, output
