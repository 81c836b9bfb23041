# Copyright (c) The o11y.opentelemetry maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pod template of a collector, and the ConfigMap that it mounts. Private.

`workload` puts the template into a Deployment, DaemonSet or StatefulSet. The custom resource of the operator has many
of its fields under the same names, so `open_telemetry_collector` takes them from here. Example of the container that an
agent gets:

    {name: opentelemetry-collector, image: …, args: [--config=/conf/config.yaml],
     ports: [{name: otlp, hostPort: 4317, …}, …], env: [{name: GOMEMLIMIT, …}, {name: MY_POD_IP, …}, …],
     resources: {…}, volumeMounts: [{name: config, …}, …], …}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..._otelcol.config.addresses import ANY_HOSTS
from ..._otelcol.config.paths import mapping_at, value_at
from ..._otelcol.errors import Problem
from ..._otelcol.kube.names import label_value
from ..._otelcol.kube.text_values import variable_text
from ..._otelcol.needs.needed_mounts import Mount
from ..._otelcol.needs.needed_variables import DOWNWARD_FIELDS
from ..options import Collector
from ..platform import Platform
from . import own_metrics
from .build import CollectorBuild, Manifest, frame_manifest, omit_empty

CONFIG_KEY = "config"
CONFIG_FILE = "config.yaml"
CONFIG_DIRECTORY = "/conf"
CONFIG_VOLUME = "config"
STATE_VOLUME = "state"
HASH_ANNOTATION = "checksum/config"
# The SELinux level of a pod that is not confined, such as one with type spc_t: a level without categories.
SELINUX_LEVEL = "s0"
# What Kubernetes itself gives a pod with a token, see `render_api_token`.
_TOKEN_VOLUME, _TOKEN_SECONDS = "kube-api-access", 3607
_TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
_STATE_FOLDER = "/var/lib/otelcol"

# The key of an option `env` that names an object, and the field of the Pod API that it becomes.
_REFERENCE_FIELDS = {"secret": "secretKeyRef", "config_map": "configMapKeyRef"}

# The restricted Pod Security Standard. Source: kubernetes.io, "Pod Security Standards".
CONTAINER_SECURITY = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
_CONFIG_MOUNT = {"name": CONFIG_VOLUME, "mountPath": CONFIG_DIRECTORY, "readOnly": True}
# Readiness follows quickly, so that a rollout does not dawdle.
_PROBE_TIMES = {
    "livenessProbe": {"periodSeconds": 10, "failureThreshold": 6},
    "readinessProbe": {"periodSeconds": 2, "failureThreshold": 3},
}
# A queue that is kept is put in order before the health check answers; 20,000 requests take a minute. Until then the
# Collector has the requests in memory alone, so nothing may end it.
_STARTUP_PROBE = {"startupProbe": {"periodSeconds": 2, "failureThreshold": 300}}


def render_pod_template(build: CollectorBuild) -> dict[str, Any]:
    """Return the pod template; a change of config changes its hash, and so rolls the pods."""
    collector = build.collector
    version = {"app.kubernetes.io/version": label_value(collector.version)}
    labels = {**collector.pod_labels, **collector.selector, **collector.pods, **version}
    annotations = {
        **own_metrics.scrape_annotations(build),
        **collector.pod_annotations,
        HASH_ANNOTATION: build.config_hash,
    }
    return {"metadata": {"labels": labels, "annotations": annotations}, "spec": _render_pod_spec(build)}


def _render_pod_spec(build: CollectorBuild) -> dict[str, Any]:
    """Return the field `spec` of the template."""
    collector = build.collector
    return {
        "serviceAccountName": collector.service_account_name,
        "automountServiceAccountToken": build.wants_api_token,
        "securityContext": pod_security(build),
        "containers": [_render_container(build), *list_user_containers(build)],
        "volumes": [_config_volume(build), *list_volumes(build)],
        "terminationGracePeriodSeconds": collector.termination_grace_seconds,
        **omit_empty(initContainers=collector.init_containers),
        **omit_empty(imagePullSecrets=[{"name": name} for name in collector.image_pull_secrets]),
        **pod_fields(build, collector.selector),
        **omit_empty(dnsPolicy="ClusterFirstWithHostNet" if collector.host_network else None),
    }


def pod_fields(build: CollectorBuild, pod_labels: dict[str, str]) -> dict[str, Any]:
    """Return the fields of a pod that the custom resource has under the same names; the pods have these labels.

    A constraint of topology selects them, unless it has a selector of its own.
    """
    collector = build.collector
    return omit_empty(
        nodeSelector=collector.node_labels,
        tolerations=collector.all_tolerations,
        affinity=collector.affinity,
        topologySpreadConstraints=[
            {"labelSelector": {"matchLabels": pod_labels}, **constraint} for constraint in collector.topology_spread
        ],
        priorityClassName=collector.priority_class_name,
        hostNetwork=collector.host_network or None,
        hostAliases=_host_aliases(build),
    )


def _host_aliases(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the names of hosts that the pods know beside DNS, each address once.

    Example: the lines `10.0.0.5 loki` and `10.0.0.5 tempo` are `[{ip: 10.0.0.5, hostnames: [loki, tempo]}]`.
    """
    names_by_address: dict[str, list[str]] = {}
    for line in build.host_names:
        address, name = line.split()
        names_by_address.setdefault(address, []).append(name)
    return [{"ip": address, "hostnames": names} for address, names in names_by_address.items()]


def list_user_containers(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the user's containers. Raises Problem for one without a name of its own."""
    collector = build.collector
    used_names = {collector.logs.container}
    for option in ("init_containers", "containers"):
        for container in getattr(collector, option):
            name = str(container.get("name") or "")
            if not name or name in used_names:
                wrong = f"{option} has {f'two containers {name}' if name else 'a container without a name'}"
                fix = f"Give each container a name of its own; the Collector's is {collector.logs.container}."
                raise Problem(wrong, asked=f"collector '{collector.name}'", fix=fix)
            used_names.add(name)
    return collector.containers


# ── The container of the Collector ──


def container_fields(build: CollectorBuild) -> dict[str, Any]:
    """Return the fields of the container that the custom resource has under the same names."""
    resize = omit_empty(resizePolicy=build.collector.resize_policy)
    return {"env": render_environment(build), "resources": resource_requirements(build), **resize}


def _render_container(build: CollectorBuild) -> dict[str, Any]:
    """Return the container of the Collector."""
    return {
        "name": build.collector.logs.container,
        "image": build.image,
        "imagePullPolicy": build.collector.image_pull_policy,
        "args": [f"--config={CONFIG_DIRECTORY}/{CONFIG_FILE}"],
        "ports": _list_container_ports(build),
        **container_fields(build),
        "securityContext": dict(CONTAINER_SECURITY),
        "volumeMounts": [dict(_CONFIG_MOUNT), *list_volume_mounts(build)],
        **omit_empty(lifecycle=lifecycle_hooks(build)),
        **_render_probes(build),
    }


def _list_container_ports(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the ports of the container. Agents open those for clients on their node too."""
    container_ports = []
    for port in build.needs.ports:
        container_port: dict[str, Any] = {
            "name": port.name,
            "containerPort": port.number,
            "protocol": port.protocol,
        }
        if build.collector.uses_host_ports and port.is_exposed:
            container_port["hostPort"] = port.number
        container_ports.append(container_port)
    return container_ports


def render_environment(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the environment: the user's variables, facts of the pod, and the memory limit for Go."""
    user_variables = build.collector.env
    _check_pod_facts(user_variables)
    entries: list[dict[str, Any]] = []
    if "GOMEMLIMIT" not in user_variables:
        entries.append({"name": "GOMEMLIMIT", "value": build.collector.memory.gomemlimit})
    # Recipes listen at the address of the pod, `POD_ADDRESS` of options.py.
    needed_names = {"MY_POD_IP", *(variable.name for variable in build.needs.variables)}
    for name in sorted(needed_names):
        if name in DOWNWARD_FIELDS and name not in user_variables:
            entries.append({"name": name, **_pod_field_source(DOWNWARD_FIELDS[name])})
    for name in sorted(user_variables):
        entries.append({"name": name, **variable_source(name, user_variables[name])})
    return entries


def _pod_field_source(field_path: str) -> dict[str, Any]:
    """Return the source of a variable that has a fact of the pod, such as `status.podIP`."""
    return {"valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": field_path}}}


def _check_pod_facts(user_variables: Mapping[str, Any]) -> None:
    """Raise Problem for a variable of the user that has the name of a fact of the pod, and another value.

    Recipes listen at the address of such a variable, for example.
    """
    for name in sorted(DOWNWARD_FIELDS.keys() & user_variables.keys()):
        value = user_variables[name]
        # A recipe that listens at all addresses, or at an address that the pod has, can be reached as well.
        is_reachable = value in ANY_HOSTS or (isinstance(value, dict) and "field" in value)
        if not is_reachable:
            wrong = (
                f"variable {name} in `env` is not what the pod has as {DOWNWARD_FIELDS[name]}, which recipes read"
                " from it"
            )
            fix = (
                f"Remove it, write `{{field: {DOWNWARD_FIELDS[name]}}}`, or use a variable of another name in your"
                " config."
            )
            raise Problem(wrong, fix=fix)


def variable_source(name: str, value: Any) -> dict[str, Any]:
    """Return where a variable of a container has its value from. Raises Problem for a form that is not known."""
    if not isinstance(value, dict):
        return {"value": variable_text(value)}
    names = {key: name for key, name in value.items() if key != "optional"}
    are_texts = all(isinstance(name, str) and name for name in names.values())
    if are_texts and value.keys() == {"field"}:
        return _pod_field_source(value["field"])
    for kind, field in _REFERENCE_FIELDS.items():
        if are_texts and names.keys() == {kind, "key"}:
            reference = {"name": value[kind], "key": value["key"]} | omit_empty(optional=value.get("optional"))
            return {"valueFrom": {field: reference}}
    fix = "Give text, `{secret: NAME, key: KEY}`, `{config_map: NAME, key: KEY}` or `{field: status.podIP}`."
    raise Problem(f"environment variable {name} has a source that is not understood", fix=fix)


def resource_requirements(build: CollectorBuild) -> dict[str, Any]:
    """Return requests and limits. By default, the whole memory is requested: an evicted collector loses its queues."""
    collector = build.collector
    limits = omit_empty(cpu=collector.cpu_limit, memory=collector.memory_limit)
    memory = collector.memory_request or collector.memory_limit
    return {"limits": limits, "requests": omit_empty(cpu=collector.cpu_request, memory=memory)}


def pod_security(build: CollectorBuild) -> dict[str, Any]:
    """Return the user of the pod: root only to read the node's logs, or to keep state in a folder of root."""
    common_fields: dict[str, Any] = {"seccompProfile": {"type": "RuntimeDefault"}}
    if build.collector.selinux_type:
        common_fields["seLinuxOptions"] = {"type": build.collector.selinux_type, "level": SELINUX_LEVEL}
    has_state_of_root = keeps_state_on_node(build.collector, build.platform) and build.needs.state_directories
    if build.needs.needs_root or has_state_of_root:
        return {"runAsUser": 0, **common_fields}
    user = build.run_as_user  # None where the cluster chooses it, and then there are no fields of it
    return {"runAsNonRoot": True, **common_fields, **omit_empty(runAsUser=user, runAsGroup=user, fsGroup=user)}


def lifecycle_hooks(build: CollectorBuild) -> dict[str, Any]:
    """Return the pause before the stop of a pod behind a Service: at most half of the time that it may take.

    Endpoints forget a pod while it stops, not before. The image has no shell, so Kubernetes itself sleeps.
    Source: kubernetes.io, "Container Lifecycle Hooks"; the action `sleep` is on by default since 1.30.
    """
    pause_seconds = build.collector.stop_pause_seconds
    is_behind_service = build.collector.wants_service and build.exposed_ports
    if not pause_seconds or not is_behind_service:
        return {}
    return {"preStop": {"sleep": {"seconds": pause_seconds}}}


def _render_probes(build: CollectorBuild) -> dict[str, Any]:
    """Return the probes with their times; none for a config that does not answer them."""
    port = build.needs.probed_port
    if not port:
        return {}
    probe = {"httpGet": {"path": build.needs.probe_path, "port": port.number}}
    return {name: {**probe, **times} for name, times in probe_times(build).items()}


def probe_times(build: CollectorBuild) -> dict[str, dict[str, int]]:
    """Return the times of the probes; a collector that keeps the queue of an exporter may take long to start."""
    for exporter in mapping_at(build.config, "exporters").values():
        if value_at(exporter, ("sending_queue", "storage")):
            return {**_PROBE_TIMES, **_STARTUP_PROBE}
    return dict(_PROBE_TIMES)


def _config_volume(build: CollectorBuild) -> dict[str, Any]:
    source = {"name": build.config_name, "items": [{"key": CONFIG_KEY, "path": CONFIG_FILE}]}
    return {"name": CONFIG_VOLUME, "configMap": source}


# ── Volumes ──


def list_volumes(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return the volumes that follow from the config, and the user's."""
    collector = build.collector
    volumes = [{"name": mount.name, **mount.volume_source} for mount in build.needs.mounts]
    if build.needs.state_directories and collector.mode != "statefulset":
        volumes.append({"name": STATE_VOLUME, **_state_source(build)})
    volumes += [{"name": volume["name"], **volume["source"]} for volume in collector.volumes]
    return volumes


def _state_source(build: CollectorBuild) -> dict[str, Any]:
    """Return the source of the volume for state: a folder of the node for an agent, else one that ends with the pod."""
    if not keeps_state_on_node(build.collector, build.platform):
        return {"emptyDir": {}}
    path = f"{_STATE_FOLDER}/{build.collector.namespace}-{build.collector.name}"
    return {"hostPath": {"path": path, "type": "DirectoryOrCreate"}}


def keeps_state_on_node(collector: Collector, platform: Platform) -> bool:
    """Return whether state is kept in a folder of the node, where it outlives the pod."""
    is_writable = platform.host_paths_writable and platform.allows_folder(_STATE_FOLDER)
    return collector.mode == "daemonset" and is_writable


def list_volume_mounts(build: CollectorBuild) -> list[dict[str, Any]]:
    """Return where the container mounts the volumes of `list_volumes`, and those of a StatefulSet's claims."""
    state_mounts = [{"name": STATE_VOLUME, "mountPath": path} for path in build.needs.state_directories]
    user_mounts = [
        {"name": volume["name"], "mountPath": volume["mount_path"], "readOnly": bool(volume.get("read_only", True))}
        for volume in build.collector.volumes
    ]
    return [*(_render_mount(mount) for mount in build.needs.mounts), *state_mounts, *user_mounts]


def _render_mount(mount: Mount) -> dict[str, Any]:
    fields = {"name": mount.name, "mountPath": mount.path, "readOnly": mount.is_read_only}
    return {**fields, **omit_empty(mountPropagation=mount.propagation)}


class ApiToken(NamedTuple):
    """The volume with the token for the Kubernetes API, and its mount; none if the pods have no token."""

    volumes: list[dict[str, Any]]
    mounts: list[dict[str, Any]]


def render_api_token(build: CollectorBuild) -> ApiToken:
    """Return the token for the Kubernetes API, as Kubernetes itself would add it to the pods.

    A custom resource has no field for automountServiceAccountToken. Source: plugin/pkg/admission/serviceaccount of
    Kubernetes, and the ConfigMap that OpenShift adds.
    """
    if not build.wants_api_token:
        return ApiToken([], [])
    authority = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    service_ca = {"name": "openshift-service-ca.crt", "items": [{"key": "service-ca.crt", "path": "service-ca.crt"}]}
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    sources: list[dict[str, Any]] = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": _TOKEN_SECONDS}},
        {"configMap": authority},
        {"configMap": {**service_ca, "optional": True}},
        {"downwardAPI": {"items": [namespace]}},
    ]
    volume = {"name": _TOKEN_VOLUME, "projected": {"sources": sources}}
    mount = {"name": _TOKEN_VOLUME, "mountPath": _TOKEN_FOLDER, "readOnly": True}
    return ApiToken(volumes=[volume], mounts=[mount])


def render_config_map(build: CollectorBuild) -> Manifest:
    """Return the ConfigMap of this very config; its one key is mounted as a file.

    A new config is a new ConfigMap. Pods of the revision before, and `kubectl rollout undo`, still find theirs.
    """
    return frame_manifest(
        build, "v1", "ConfigMap", name=build.config_name, immutable=True, data={CONFIG_KEY: build.config_text}
    )
