import stat
from pathlib import Path

import pytest

from config.launcher.embedded.home import Home, HomeInUse
from config.launcher.embedded.privileges import can_enter


def test_stored_values_survive_restart(tmp_path: Path) -> None:
    first = Home(folder=tmp_path / "home")
    first.store_value("port", 5432)
    first.release()

    again = Home(folder=first.folder)

    assert again.read_value("port") == 5432
    assert again.read_value("nothing of the kind") is None
    again.discard()


def test_state_file_is_private(home: Home) -> None:
    home.store_value("password", "x")

    assert stat.S_IMODE((home.folder / "state.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.logs.stat().st_mode) == 0o700


def test_second_launcher_is_refused(home: Home) -> None:
    with pytest.raises(HomeInUse, match="already runs"):
        Home(folder=home.folder)


def test_homes_can_be_used_at_once(home: Home, tmp_path: Path) -> None:
    other = Home(folder=tmp_path / "other")

    assert other.servers != home.servers
    other.discard()


def test_servers_can_enter_their_folder(home: Home) -> None:
    assert can_enter(identity=home.identity, folder=home.servers)


def test_data_folder_stays_when_home_becomes_accessible(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    first = Home(folder=closed / "home")
    place = first.servers
    first.release()
    for folder in (closed, tmp_path):
        folder.chmod(0o755)

    again = Home(folder=closed / "home")

    assert again.servers == place
    again.discard()


def test_discard_leaves_no_files(tmp_path: Path) -> None:
    home = Home(folder=tmp_path / "gone")

    home.discard()

    assert not home.folder.exists()
    assert not home.servers.exists()
