"""The Dockerfile and the Kubernetes manifest of the docs: what linters ask for, and options that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

import click
import pytest

from netspec.cli.commands.runs.serve import command
from netspec.serving.http.limits import Limits
from netspec.serving.routes import ROUTES

DOCS = Path(__file__).parents[2] / "docs"
OPEN = {route.path for route in ROUTES if route.is_open}


def check_arguments(arguments: Iterable[str]) -> None:
    """Raises click.UsageError for options that the command does not have."""
    context = click.Context(command)
    command.make_parser(context).parse_args([*arguments])


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", " ", (DOCS / "serving" / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_dockerfile_keeps_the_rules_of_hadolint() -> None:
    found = instructions()
    words = [word for word, _ in found]
    images = [rest for word, rest in found if word == "FROM"]
    assert all(re.fullmatch(r"\S+:\d[\w.-]*( AS \w+)?", image) for image in images)  # DL3006, DL3007: a version
    stages = re.findall(r" AS (\w+)", " ".join(images))
    assert {name for _, rest in found for name in re.findall(r"--from=(\w+)", rest)} <= {*stages}  # DL3022
    assert "ADD" not in words and "MAINTAINER" not in words  # DL3020, DL4000
    assert all(rest.startswith("/") for word, rest in found if word == "WORKDIR")  # DL3000
    users = [rest for word, rest in found if word == "USER"]
    assert users and re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])  # DL3002; Kubernetes checks numbers only
    for word, rest in found:
        assert word != "RUN" or "sudo" not in rest  # DL3004
        assert "pip install" not in rest or "--no-cache-dir" in rest  # DL3042
    assert words.count("CMD") == words.count("ENTRYPOINT") == words.count("HEALTHCHECK") == 1  # DL3012, DL4003, DL4004
    last = {word: rest for word, rest in found if word in ("CMD", "ENTRYPOINT")}
    assert json.loads(last["ENTRYPOINT"]) == ["netspec", "serve"]  # DL3025
    check_arguments(json.loads(last["CMD"]))
    (probe,) = (rest for word, rest in found if word == "HEALTHCHECK")
    (path,) = re.findall(r"http://127\.0\.0\.1:8000([^']*)'", probe)
    assert path in OPEN
    compile(json.loads(probe[probe.index("[") :])[2], "the probe", "exec")
    copied = {name for word, rest in found if word == "COPY" and "--from" not in rest for name in rest.split()[:-1]}
    assert all((DOCS.parent / name).exists() for name in copied)


def test_the_manifest_has_the_fields_that_matter() -> None:
    yaml = pytest.importorskip("yaml")
    deployment, service = yaml.safe_load_all((DOCS / "serving" / "kubernetes.yaml").read_text())
    assert (deployment["apiVersion"], deployment["kind"]) == ("apps/v1", "Deployment")
    assert (service["apiVersion"], service["kind"]) == ("v1", "Service")
    template = deployment["spec"]["template"]
    labels = template["metadata"]["labels"]
    assert labels == deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"]
    pod, (container,) = template["spec"], template["spec"]["containers"]
    check_arguments(container["args"])
    assert pod["securityContext"]["runAsNonRoot"] and pod["automountServiceAccountToken"] is False
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert {"cpu", "memory"} <= {*container["resources"]["requests"]} and container["resources"]["limits"]["memory"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["path"] in OPEN and container[probe]["httpGet"]["port"] == "http"
    (port,) = container["ports"]
    assert port["name"] == "http" == service["spec"]["ports"][0]["targetPort"]
    assert str(port["containerPort"]) == container["args"][container["args"].index("--port") + 1]
    assert not container["image"].endswith(":latest") and ":" in container["image"]
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > Limits().stop_time + pause
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert {*mounts} == {volume["name"] for volume in pod["volumes"]}
    key = container["args"][container["args"].index("--api-key") + 1]
    assert key.startswith(mounts["key"] + "/")


def test_the_docs_name_every_option_and_every_limit() -> None:
    text = (DOCS / "serving.md").read_text()
    names = {option for one in command.params for option in one.opts if option.startswith("--")}
    assert {"--port", "--json", "--device", "--help"} >= {name for name in names if name not in text}
    assert {*re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)} <= names | {"--data-binary", "--read-only", "--tmpfs"}
    limits = Limits()
    for shown in (
        f"{limits.body >> 20} MiB",
        f"{limits.head >> 10} KiB",
        f"({limits.queue})",
        f"({limits.connections})",
        f"({limits.request_time:g} s)",
        f"{limits.head_time:g} s for the headers, {limits.body_time:g} s for the body",
        f"after {limits.idle_time:g} s",
        f"within {limits.stop_time:g} s",
    ):
        assert shown in text, shown
