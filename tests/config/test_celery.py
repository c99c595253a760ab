"""Test scheduled jobs and workers: every job is a known task, and no task ends its worker."""

import inspect
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Task
from django.conf import settings
from redis import Redis

from config.celery import GuardedTask, app
from tests.config import failing_tasks
from tests.servers import Servers

pytestmark = pytest.mark.usefixtures("servers")

app.loader.import_default_modules()
OURS = {
    name: task
    for name, task in sorted(app.tasks.items())
    if name.startswith(("accounts.", "webhooks.", "metrics.", "ingestion."))
}
WORKER = [
    sys.executable,
    "-m",
    "celery",
    "-A",
    "config.celery",
    "--skip-checks",
    "worker",
    "--include=tests.config.failing_tasks",
]


# Seconds after which RabbitMQ closes the connection of a consumer that has not acknowledged a message.
CONSUMER_TIMEOUT = 30 * 60


@pytest.mark.parametrize("entry", app.conf.beat_schedule.values(), ids=list(app.conf.beat_schedule))
def test_scheduled_jobs_are_tasks_without_arguments(entry: dict[str, Any]) -> None:
    assert entry["task"] in OURS
    assert not inspect.signature(OURS[entry["task"]].run).parameters
    assert set(entry) == {"task", "schedule"}


def test_scheduled_jobs_have_readable_names() -> None:
    assert [name for name in app.conf.beat_schedule if len(name.split()) < 3] == []


@pytest.mark.parametrize("task", OURS.values(), ids=list(OURS))
def test_task_arguments_are_keyword_only(task: Task[..., Any]) -> None:
    parameters = inspect.signature(task.run).parameters.values()

    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters)
    assert all(parameter.annotation is str for parameter in parameters)  # ids, which JSON carries as they are


@pytest.mark.parametrize("task", OURS.values(), ids=list(OURS))
def test_task_is_guarded_and_acknowledged_late_unless_it_lasts_for_hours(task: Task[..., Any]) -> None:
    is_short = (task.time_limit or app.conf.task_time_limit) < CONSUMER_TIMEOUT / 1.5

    assert isinstance(task, GuardedTask)
    assert (task.acks_late, task.reject_on_worker_lost) == (is_short, is_short)
    assert task.ignore_result


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task_acks_late", True),
        ("task_reject_on_worker_lost", True),
        ("task_ignore_result", True),
        ("task_serializer", "json"),
        ("accept_content", ["json"]),
        ("task_always_eager", False),
        ("worker_prefetch_multiplier", 1),
        ("worker_cancel_long_running_tasks_on_connection_loss", True),
        ("worker_hijack_root_logger", False),
        ("broker_connection_retry_on_startup", True),
        ("task_default_queue", "celery"),
        ("result_backend", None),
        ("timezone", None),
    ],
)
def test_celery_settings_are_applied(name: str, value: object) -> None:
    assert app.conf[name] == value


def test_visibility_timeout_is_longer_than_the_longest_task() -> None:
    soft, hard = app.conf.task_soft_time_limit, app.conf.task_time_limit

    assert soft < hard < app.conf.broker_transport_options["visibility_timeout"]


@pytest.mark.parametrize("file", ["docker/start", "config/launcher/product.py"])
def test_workers_read_the_queues_of_tasks(file: str) -> None:
    text = (Path(settings.BASE_DIR) / file).read_text()

    asked_for = {app.amqp.router.route({}, name)["queue"].name for name in OURS}
    assert asked_for == {"celery", "reports", "short", "webhooks"}
    listed = re.findall(r"queues=\"?([\w,]+)", text)
    assert sorted(",".join(listed).split(",")) == sorted(asked_for)


def test_worker_without_queues_reads_all_and_messages_are_in_one() -> None:
    queues = app.amqp.Queues(app.conf.task_queues)

    assert set(queues) == {"celery", "reports", "short", "webhooks"}
    assert all(queue.routing_key == name for name, queue in queues.items())


def test_memory_error_is_a_task_failure() -> None:
    with pytest.raises(RuntimeError, match="ran out of memory") as failure:
        failing_tasks.run_out_of_memory()

    assert isinstance(failure.value.__cause__, MemoryError)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory, servers: Servers) -> Iterator[subprocess.Popen[bytes]]:
    """Start a worker with one process on a queue of its own."""
    command = [
        *WORKER,
        f"--queues={failing_tasks.QUEUE}",
        "--concurrency=1",
        "--without-mingle",
        "--without-gossip",
    ]
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=output, stderr=output)
    yield process
    process.terminate()
    process.wait(timeout=600)


def sees(happened: Callable[[], bool], *, seconds: float = 120) -> bool:
    deadline = time.monotonic() + seconds
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.05)
    return happened()


def unacknowledged() -> int:
    with Redis.from_url(os.environ["BROKER_URL"]) as broker:
        return int(broker.hlen("unacked"))


def send(task: Task[..., Any], **words: str) -> None:
    task.apply_async(kwargs=words, queue=failing_tasks.QUEUE)


def test_worker_continues_after_memory_error(worker: subprocess.Popen[bytes], tmp_path: Path) -> None:
    for _ in range(3):
        send(failing_tasks.run_out_of_memory)
    send(failing_tasks.leave_a_mark, path=str(tmp_path / "mark"))

    assert sees((tmp_path / "mark").exists)
    assert worker.poll() is None
    assert sees(lambda: unacknowledged() == 0)


def test_task_of_killed_process_runs_again_and_worker_continues(
    worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    send(failing_tasks.kill_its_process_once, folder=str(tmp_path))
    send(failing_tasks.leave_a_mark, path=str(tmp_path / "mark"))

    assert sees((tmp_path / "mark").exists)
    assert sees(lambda: (tmp_path / "runs").read_text() == "xx")
    assert worker.poll() is None
    assert sees(lambda: unacknowledged() == 0)


def test_worker_continues_after_invalid_message(worker: subprocess.Popen[bytes], tmp_path: Path) -> None:
    with app.connection_for_write() as broker, broker.SimpleQueue(failing_tasks.QUEUE) as queue:
        queue.put({"not": "a task"})
        queue.put("text", serializer="yaml")
    app.send_task("nobody.knows", kwargs={"x": 1}, queue=failing_tasks.QUEUE)
    app.send_task("tests.config.failing_tasks.leave_a_mark", args=["positional"], queue=failing_tasks.QUEUE)
    send(failing_tasks.leave_a_mark, path=str(tmp_path / "mark"))

    assert sees((tmp_path / "mark").exists)
    assert worker.poll() is None
