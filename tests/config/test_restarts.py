"""Test when a process that ended by itself may start again."""

from config.launcher.embedded.restarts import MAX_RESTARTS, RestartLimit


def waits(*moments: float, name: str = "worker", limit: RestartLimit | None = None) -> list[float | None]:
    limit = limit or RestartLimit()
    return [limit.seconds_to_wait(name, now=moment) for moment in moments]


def test_restart_is_immediate_at_first_and_slower_each_time() -> None:
    assert waits(0, 1, 2, 3, 4) == [0, 1, 2, 4, 8]


def test_sixth_end_within_a_minute_is_the_last() -> None:
    assert waits(*range(MAX_RESTARTS + 1))[-1] is None


def test_ends_of_more_than_a_minute_ago_do_not_count() -> None:
    assert waits(0, 1, 2, 3, 4, 65) == [0, 1, 2, 4, 8, 0]


def test_ends_of_other_processes_do_not_count() -> None:
    limit = RestartLimit()

    assert waits(0, 1, name="web", limit=limit) == [0, 1]
    assert waits(2, name="worker", limit=limit) == [0]
