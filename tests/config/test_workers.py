"""Test tasks in a worker process: every log line has the task and the request that sent it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from celery import Task
from django.conf import settings
from structlog.contextvars import bound_contextvars, get_contextvars

from api.version import VERSION
from config.observability import heartbeats, prometheus_counters, task_signals
from config.observability.log_redaction import BLANK
from tests.config import failing_tasks
from tests.installation import wait_until
from tests.servers import Servers

pytestmark = pytest.mark.usefixtures("servers")

QUEUE = "speaking"
COMMAND = [sys.executable, "-m", "celery", "-A", "config.celery", "--skip-checks", "--quiet", "worker"]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@dataclass
class Worker:
    log: Path

    def lines(self, **alike: Any) -> list[dict[str, Any]]:
        """Return the log lines with these fields."""
        logged = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in logged if alike.items() <= line.items()]

    def await_lines(self, count: int, **alike: Any) -> list[dict[str, Any]]:
        wait_until(lambda: len(self.lines(**alike)) >= count, seconds=30)
        return self.lines(**alike)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory, servers: Servers) -> Iterator[Worker]:
    log = tmp_path_factory.mktemp("speaking") / "worker.log"
    command = [
        *COMMAND,
        "--include=tests.config.failing_tasks",
        f"--queues={QUEUE},{failing_tasks.QUEUE}",
        "--concurrency=1",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=output, stderr=output)
    yield Worker(log)
    process.terminate()
    process.wait(timeout=600)


def send(task: "Task[..., Any]", **words: str) -> str:
    return str(task.apply_async(kwargs=words, queue=QUEUE).id)


def test_task_lines_have_task_and_request_id(worker: Worker) -> None:
    with bound_contextvars(request_id="req_sender", trace_id=TRACE, principal="key_1"):
        task_id = send(failing_tasks.speak, word="hello", times="1")

    (line,) = worker.await_lines(1, event="said hello")
    assert line | {"time": ""} == {
        "time": "",
        "level": "warning",
        "logger": "tests.config.failing_tasks",
        "version": VERSION,
        "event": "said hello",
        "request_id": "req_sender",
        "trace_id": TRACE,
        "task": "tests.config.failing_tasks.speak",
        "task_id": task_id,
    }


def test_celery_lines_have_task_and_request_id(worker: Worker) -> None:
    with bound_contextvars(request_id="req_celery"):
        task_id = send(failing_tasks.speak, word="own", times="1")

    received, *_ = worker.await_lines(1, task_id=task_id, logger="celery.worker.strategy")
    (ended,) = worker.await_lines(1, task_id=task_id, logger="celery.app.trace")
    assert received["task"] == ended["task"] == "tests.config.failing_tasks.speak"
    assert ended["request_id"] == "req_celery"
    assert "succeeded" in ended["event"]


def test_task_sent_by_task_has_same_request_id(worker: Worker) -> None:
    with bound_contextvars(request_id="req_chain"):
        send(failing_tasks.speak, word="on", times="3")

    lines = worker.await_lines(3, event="said on")
    assert [line["request_id"] for line in lines] == ["req_chain"] * 3
    assert len({line["task_id"] for line in lines}) == 3


def test_request_context_is_reset_between_tasks(worker: Worker) -> None:
    with bound_contextvars(request_id="req_before"):
        send(failing_tasks.speak, word="before", times="1")
    send(failing_tasks.speak, word="after", times="1")

    (line,) = worker.await_lines(1, event="said after")
    assert not {"request_id", "trace_id"} & set(line)


def test_failed_task_is_logged_without_secrets(worker: Worker) -> None:
    with bound_contextvars(request_id="req_fails"):
        task_id = send(failing_tasks.fail, word="verysecret")

    (line,) = worker.await_lines(1, task_id=task_id, level="error")
    assert line["request_id"] == "req_fails"
    assert f"ValueError: password={BLANK}" in line["exception"]
    assert "verysecret" not in worker.log.read_text()


NONSENSE: tuple[Any, ...] = ("text", 7, None, {"request_id": {"a": 1}, "task": "x"})


def test_message_with_invalid_header_is_processed(worker: Worker) -> None:
    for n, nonsense in enumerate(NONSENSE):
        failing_tasks.speak.apply_async(
            kwargs={"word": f"odd {n}", "times": "1"}, queue=QUEUE, headers={task_signals.HEADER: nonsense}
        )

    assert [line["task"] for n in range(4) for line in worker.await_lines(1, event=f"said odd {n}")] == [
        "tests.config.failing_tasks.speak"
    ] * 4


@pytest.mark.parametrize(
    ("bound", "sent"),
    [
        ({}, {}),
        ({"request_id": "req_1"}, {"request_id": "req_1"}),
        (
            {"request_id": "req_1", "trace_id": TRACE, "task": "a", "task_id": "b"},
            {"request_id": "req_1", "trace_id": TRACE},
        ),
    ],
)
def test_message_header_has_request_id_only(bound: dict[str, str], sent: dict[str, str]) -> None:
    headers: dict[str, Any] = {"id": "1"}

    with bound_contextvars(**bound):
        task_signals.add_context_header(headers=headers)

    assert abs(headers[task_signals.HEADER].pop("sent_at") - time.time()) < 60
    assert headers == {"id": "1", task_signals.HEADER: sent}


def test_task_context_is_reset_after_task() -> None:
    with bound_contextvars(request_id="req_1"):
        task_signals.end_task(task=failing_tasks.speak, state="SUCCESS")

        assert get_contextvars() == {}


def counted(name: str, **labels: str) -> float:
    """Return the counters of all processes of the run."""
    samples = [
        sample
        for metric in prometheus_counters.collect_all()
        for sample in metric.samples
        if sample.name == name
    ]
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


@pytest.mark.parametrize(
    ("task", "outcome"), [(failing_tasks.leave_a_mark, "succeeded"), (failing_tasks.fail, "failed")]
)
def test_tasks_are_counted_by_outcome(
    worker: Worker, tmp_path: Path, task: "Task[..., Any]", outcome: str
) -> None:
    labels = {"task": task.name}
    before = counted("underone_tasks_total", **labels, outcome=outcome)
    timed = counted("underone_task_seconds_count", **labels)
    waited = counted("underone_task_wait_seconds_count", **labels)

    for _ in range(2):
        send(task, **({"path": str(tmp_path / "mark")} if outcome == "succeeded" else {"word": "x"}))

    wait_until(lambda: counted("underone_tasks_total", **labels, outcome=outcome) == before + 2)
    assert counted("underone_task_seconds_count", **labels) == timed + 2
    assert counted("underone_task_wait_seconds_count", **labels) == waited + 2


def test_task_over_time_limit_is_counted_as_killed(worker: Worker) -> None:
    before = counted("underone_tasks_total", task=failing_tasks.oversleep.name, outcome="killed")

    failing_tasks.oversleep.apply_async(
        kwargs={"seconds": "60"}, queue=QUEUE, soft_time_limit=1, time_limit=2
    )

    wait_until(
        lambda: (
            counted("underone_tasks_total", task=failing_tasks.oversleep.name, outcome="killed") == before + 1
        )
    )


def test_queue_has_worker_heartbeat_while_read(worker: Worker) -> None:
    wait_until(lambda: heartbeats.QUEUE + QUEUE in heartbeats.ages(now=time.time()))

    assert heartbeats.ages(now=time.time())[heartbeats.QUEUE + QUEUE] < 10


def test_scheduler_has_heartbeat_after_first_job(unmarked_storage: None, tmp_path: Path) -> None:
    environ = os.environ | {"UNDERONE_HOME": str(tmp_path)}
    command = [*COMMAND[:-1], "beat", f"--schedule={tmp_path / 'schedule'}", "--pidfile="]
    with (tmp_path / "beat.log").open("wb") as output:
        clock = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environ, stdout=output, stderr=output)

    try:
        wait_until((tmp_path / "heartbeats" / "clock").exists)
    finally:
        clock.terminate()
        clock.wait(timeout=600)
    assert [file.name for file in (tmp_path / "heartbeats").iterdir()] == ["clock"]


def test_other_processes_write_no_scheduler_heartbeat(tmp_path: Path) -> None:
    environ = os.environ | {"UNDERONE_HOME": str(tmp_path)}
    words = (
        "import django; django.setup(); from metrics.tasks import roll_forward; "
        "roll_forward.apply_async(queue='nowhere')"
    )

    subprocess.run(
        [sys.executable, "-c", words],
        cwd=settings.BASE_DIR,
        env=environ | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        check=True,
    )

    assert not (tmp_path / "heartbeats").exists()
