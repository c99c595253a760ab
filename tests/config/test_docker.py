"""What the image is told must be what the product reads."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from config.embedded.roles import RIGHTS

DOCKER = Path(settings.BASE_DIR) / "docker"


def test_every_variable_is_explained_in_the_order_of_the_settings() -> None:
    read = re.findall(r'env\.\w+\("([A-Z_]+)"', (Path(settings.BASE_DIR) / "config" / "settings.py").read_text())
    explained = re.findall(r"^#?([A-Z_]+)=", (DOCKER / "env.example").read_text(), flags=re.MULTILINE)

    assert [name for name in explained if name in read] == read


@pytest.mark.parametrize("right", RIGHTS)
def test_the_container_gives_the_same_rights_as_the_launcher(right: str) -> None:
    statement = right.format(owner="underone_owner", application="underone_app", database="underone")

    assert f"{statement};" in (DOCKER / "roles.sh").read_text().splitlines()
