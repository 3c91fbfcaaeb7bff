"""compose.yaml is not run here, as that needs a container engine; it is held against what it stands for."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from honcho.environ import parse_procfile

from sidecars import names
from sidecars.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
PROCESSES = parse_procfile((ROOT / "Procfile").read_text()).processes


@pytest.fixture(scope="module")
def edge_variables():
    node = shutil.which("node") or pytest.fail("node is not on PATH: ./kiba doctor tells how to get it")
    table = subprocess.run(
        (node, ROOT / "haraka/plugins/lib/settings.js"), capture_output=True, text=True, check=True
    ).stdout
    return set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))


def test_every_process_type_of_the_procfile_is_a_service():
    for name in PROCESSES:
        assert SERVICES[name]["command"] == [name]


def test_processes_are_given_only_variables_that_they_read(edge_variables):
    known = {name.upper() for name in Settings.model_fields} | edge_variables
    for name in [*PROCESSES, "migrate"]:
        assert set(SERVICES[name]["environment"]) <= known, name


def test_secrets_have_no_default_and_are_all_made_by_make_env():
    wanted = re.findall(r"\$\{(\w+):\?", (ROOT / "compose.yaml").read_text())
    made = subprocess.run(
        (ROOT / "infra/docker/make-env",), capture_output=True, text=True, check=True
    ).stdout
    secrets = dict(line.split("=", 1) for line in made.splitlines())
    assert set(wanted) == set(secrets)
    assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in secrets.values())
    assert len(set(secrets.values())) == len(secrets)


def test_the_topics_are_those_that_processes_use():
    script = SERVICES["topics"]["command"][0]
    made = re.search(r"for topic in (.*?); do", script, re.DOTALL)[1].replace("\\", "").split()
    assert sorted(made) == sorted(names.ALL_TOPICS)


@pytest.mark.parametrize(
    ("service", "version"),
    [("kafka", "kafka"), ("topics", "kafka"), ("clickhouse", "clickhouse"), ("s3", "seaweedfs")],
)
def test_images_have_the_versions_that_tests_run(service, version):
    tested = tomllib.loads((ROOT / "infra/local/services.toml").read_text())["versions"][version]
    tag = SERVICES[service]["image"].rpartition(":")[2]
    assert tested == tag or tested.startswith(tag + ".")


def test_every_image_is_pinned():
    for name, service in SERVICES.items():
        if "build" not in service:
            assert re.search(r":v?\d", service["image"]), name


def test_only_smtp_is_reached_from_outside():
    published = {name: service.get("ports", []) for name, service in SERVICES.items()}
    assert published.pop("smtp") == ["25:22525", "587:22587", "465:22465"]
    for name, ports in published.items():
        assert all(port.startswith("127.0.0.1:") for port in ports), name


def test_files_that_containers_mount_exist():
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or source == "./.tls" or (ROOT / source).exists(), source


def test_everything_that_is_waited_for_can_tell_that_it_is_ready():
    for service in SERVICES.values():
        for name, wait in service.get("depends_on", {}).items():
            assert wait["condition"] != "service_healthy" or "healthcheck" in SERVICES[name], name


def test_the_image_copies_what_exists_and_is_not_ignored():
    dockerfile = (ROOT / "infra/docker/Dockerfile").read_text()
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    sources = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(source == path or source.startswith(path + "/") for path in allowed), source


def test_start_runs_the_procfiles_line_or_any_other_command(tmp_path):
    (tmp_path / "Procfile").write_text("web: exec echo web on ${NO_SUCH_PORT:-28080}\n")
    start = ROOT / "infra/docker/start"
    for arguments, output in ((("web",), "web on 28080\n"), (("echo", "other"), "other\n")):
        done = subprocess.run((start, *arguments), cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stdout == output


def test_the_dashboard_and_alerts_ask_for_metrics_that_processes_have():
    dashboard = json.loads((ROOT / "infra/grafana/dashboards/mail.json").read_text())
    rules = yaml.safe_load((ROOT / "infra/prometheus/alerts.yml").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    asked += [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    sources = [*ROOT.glob("sidecars/**/*.py"), *ROOT.glob("haraka/plugins/**/*.js")]
    text = "\n".join(path.read_text() for path in sources)
    had = set(re.findall(r"""["'](kibamail_\w+)["']""", text))
    for expression in asked:
        for metric in re.findall(r"kibamail_\w+", expression):
            assert metric in had or re.sub(r"_(bucket|count|sum)$", "", metric) in had, metric
