"""The image and the manifests: valid by their schemas, and their commands do what they are for."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
from kubernetes_validate.utils import resources_from_file

from sockproof.targets.launch import RunningTarget, free_port, launch
from sockproof.targets.spec import load_targets
from tests import clean_venv
from tests.waiting import LIMIT, SOON

ROOT = Path(__file__).parents[1]
MANIFESTS = sorted((ROOT / "ci/kubernetes").glob("*.yaml"))
KUBERNETES = ("1.30", "1.37")
SERVER = "http://chat.example:8080/"
SMALL = {"--users": "12", "--spawn-rate": "50", "--run-time": "3s", "--expect-workers": "2"}
LOCUST_TEST = json.loads((ROOT / "tests/locust_test.schema.json").read_text())


def resources(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = resources_from_file(str(path))
    return found


def wrong(resource: Mapping[str, Any]) -> str:
    """What is wrong with a resource; empty where nothing is."""
    try:
        if resource["kind"] == "LocustTest":
            jsonschema.validate(resource, LOCUST_TEST)
        else:
            for version in KUBERNETES:
                kubernetes_validate.validate(dict(resource), version, strict=True)
    except jsonschema.ValidationError as error:
        return error.message
    return ""


def named(kind: str, name: str) -> dict[str, Any]:
    (found,) = [
        each
        for path in MANIFESTS
        for each in resources(path)
        if (each["kind"], each["metadata"]["name"]) == (kind, name)
    ]
    return found


def pod_of(resource: Mapping[str, Any]) -> dict[str, Any]:
    """The specification of the pod that a resource is or makes."""
    spec = resource["spec"]
    return dict(spec["template"]["spec"] if resource["kind"] == "Job" else spec)


PODS = [each for path in MANIFESTS for each in resources(path) if each["kind"] in ("Job", "Pod")]


# Valid.


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_manifest_keeps_its_schema(path: Path) -> None:
    found = resources(path)
    assert found
    assert [wrong(each) for each in found] == [""] * len(found)


@pytest.mark.parametrize(
    ("kind", "name", "change"),
    [
        ("Job", "sockproof-master", {"paralelism": 1}),
        ("Job", "sockproof-worker", {"parallelism": "four"}),
        ("Service", "sockproof-master", {"ports": [{"name": "workers"}]}),
        ("LocustTest", "sockproof", {"workers": 0}),
        ("LocustTest", "sockproof", {"arguments": ""}),
        ("LocustTest", "sockproof", {"locustfile": {"content": "", "configMap": {"name": "x"}}}),
    ],
)
def test_manifest_that_does_not_is_noticed(kind: str, name: str, change: dict[str, Any]) -> None:
    resource = copy.deepcopy(named(kind, name))
    resource["spec"].update(change)
    assert wrong(resource)


@pytest.mark.parametrize("pod", PODS, ids=lambda pod: str(pod["metadata"]["name"]))
def test_pods_run_without_rights(pod: dict[str, Any]) -> None:
    spec = pod_of(pod)
    assert spec["securityContext"]["runAsNonRoot"]
    assert str(spec["securityContext"]["runAsUser"]) in dockerfile()["USER"]
    assert not spec["automountServiceAccountToken"]
    (container,) = spec["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert not container["securityContext"]["allowPrivilegeEscalation"]
    assert {each["name"] for each in container["volumeMounts"]} == {
        each["name"] for each in spec["volumes"]
    }


def test_pods_find_each_other_and_their_files() -> None:
    service, claim = named("Service", "sockproof-master"), named("Job", "sockproof-master")
    labels = claim["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    (worker,) = pod_of(named("Job", "sockproof-worker"))["containers"]
    assert f"--master-host={service['metadata']['name']}" in worker["args"]
    for pod in PODS:
        for volume in pod_of(pod)["volumes"]:
            if "persistentVolumeClaim" in volume:
                assert named("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])
    test = named("LocustTest", "sockproof")["spec"]
    images = {pod_of(pod)["containers"][0]["image"] for pod in PODS} | {test["image"]}
    assert images == {"sockproof:0.1.0"}
    assert f"--tag {images.pop()}" in (ROOT / "Dockerfile").read_text()
    expected = named("Job", "sockproof-worker")["spec"]["parallelism"]
    assert f"--expect-workers={expected}" in master_arguments()
    assert f"--expect-workers {test['workers']}" in test["args"]


# The image.


def dockerfile() -> dict[str, str]:
    """The last of each instruction."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return dict(re.findall(r"^([A-Z]+) +(.*)$", text, re.MULTILINE))


def linted(text: str) -> subprocess.CompletedProcess[str]:
    command = ["hadolint", "--failure-threshold", "info", "-"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        command,
        input=text,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )


def test_dockerfile_passes_hadolint() -> None:
    text = (ROOT / "Dockerfile").read_text()
    done = linted(text)
    assert done.returncode == 0, done.stdout
    assert linted(text.replace("--no-cache-dir", "")).returncode == 1
    assert linted(text.replace(":3.11.14-slim-bookworm", "")).returncode == 1


def test_image_runs_as_nobody_who_is_root() -> None:
    user, _, group = dockerfile()["USER"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert f"--uid {user}" in (ROOT / "Dockerfile").read_text()
    assert json.loads(dockerfile()["ENTRYPOINT"]) == ["locust"]


# The commands.


def master_arguments() -> list[str]:
    (container,) = pod_of(named("Job", "sockproof-master"))["containers"]
    return [str(each) for each in container["args"]]


def worker_arguments() -> list[str]:
    (container,) = pod_of(named("Job", "sockproof-worker"))["containers"]
    return [str(each) for each in container["args"]]


def operated(role: str) -> list[str]:
    """The arguments that the operator gives a container, as its documentation has it."""
    words = shlex.split(named("LocustTest", "sockproof")["spec"]["args"])
    begin = ["--master"] if role == "master" else ["--worker", "--master-host", "sockproof-master"]
    return begin + words


def here(arguments: list[str], url: str, results: Path) -> list[str]:
    """The same arguments for this machine: its addresses and folders, and a small run."""
    words = [part for word in arguments for part in word.split("=", 1)]
    for at, word in enumerate(words[:-1]):
        if word in SMALL:
            words[at + 1] = SMALL[word]
    there = {SERVER: url, "sockproof-master": "127.0.0.1", "/results": str(results)}
    return [there.get(word, word) for word in words]


@pytest.fixture
def target() -> Iterator[RunningTarget]:
    with launch(load_targets(ROOT / "targets")["python-socketio-uvicorn"]) as running:
        yield running


class Pods:
    """A master and two workers in a clean environment, a log and a folder each."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.web = free_port()
        master = str(free_port())
        (folder / "home").mkdir()
        scenario = (ROOT / "locustfiles/chat_rooms.py").read_text()
        (folder / "home/locustfile.py").write_text(scenario)
        self._environment = {
            **clean_venv.without_ours(),
            "LOCUST_MASTER_BIND_PORT": master,
            "LOCUST_MASTER_NODE_PORT": master,
            "LOCUST_WEB_PORT": str(self.web),
            "LOCUST_WEB_HOST": "127.0.0.1",
        }
        self._command = [str(clean_venv.python()), "-m", *json.loads(dockerfile()["ENTRYPOINT"])]

    @contextlib.contextmanager
    def running(self, *arguments: list[str]) -> Iterator[list[subprocess.Popen[bytes]]]:
        started: list[subprocess.Popen[bytes]] = []
        try:
            for index, words in enumerate(arguments):
                with (self.folder / f"{index}.log").open("wb") as log:
                    process = subprocess.Popen(
                        [*self._command, *here(words, self.url, self.folder / "results")],
                        cwd=self.folder / "home",
                        env=self._environment,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
                started.append(process)
            yield started
        finally:
            for process in started:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def said(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def summary(self) -> dict[str, Any]:
        path = self.folder / "results/latest-load/summary.json"
        found: dict[str, Any] = json.loads(path.read_text())
        return found


def test_plain_manifests_run(target: RunningTarget, tmp_path: Path) -> None:
    pods = Pods(tmp_path, target.url)
    with pods.running(master_arguments(), worker_arguments(), worker_arguments()) as started:
        codes = [process.wait(LIMIT) for process in started]
    assert codes[0] == 0, pods.said()
    assert "Traceback" not in pods.said()
    counts = pods.summary()["counts"]
    assert counts["connections_opened"] == 12
    # What was said while a user was joining is due to nobody, and may be heard by that user.
    assert counts["receipts"] >= counts["due"] > 50
    assert counts["lost"] == counts["duplicated"] == 0
    about = json.loads((tmp_path / "results/latest-load/run.json").read_text())
    assert about["processes"] == 2


def test_operators_manifest_runs(target: RunningTarget, tmp_path: Path) -> None:
    pods = Pods(tmp_path, target.url)
    workers = [operated("worker"), operated("worker")]
    with pods.running(operated("master"), *workers) as started:
        report = f"http://127.0.0.1:{pods.web}/sockproof/report.html"
        page, deadline = "", time.monotonic() + LIMIT
        while "Nothing was lost" not in page:
            assert time.monotonic() < deadline, pods.said()
            assert [process.poll() for process in started] == [None] * 3, pods.said()
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(report, timeout=SOON) as answer,
            ):
                page = answer.read().decode()
            time.sleep(0.2)
    assert pods.summary()["counts"]["connections_opened"] == 12


def test_clean_environment_has_no_more_than_is_declared() -> None:
    interpreter = clean_venv.python()
    script = "import sockproof, importlib.util as u; print(sockproof.__file__, u.find_spec('mypy'))"
    done = subprocess.run(
        [str(interpreter), "-c", script],
        env=clean_venv.without_ours(),
        capture_output=True,
        text=True,
        check=True,
        timeout=LIMIT,
    )
    where, mypy = done.stdout.split()
    assert Path(where).is_relative_to(interpreter.parents[1])
    assert mypy == "None"
    needed = clean_venv.required(["locust", "gevent; python_version < '3'"])
    assert {"locust", "flask", "werkzeug"} <= needed
    assert not {"hypothesis", "sockproof"} & needed
