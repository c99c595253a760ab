"""What the image is told must be what the product reads."""

from pathlib import Path

import pytest
from django.conf import settings

from config.embedded.roles import RIGHTS

DOCKER = Path(settings.BASE_DIR) / "docker"


@pytest.mark.parametrize("right", RIGHTS)
def test_the_container_gives_the_same_rights_as_the_launcher(right: str) -> None:
    statement = right.format(owner="underone_owner", application="underone_app", database="underone")

    assert f"{statement};" in (DOCKER / "roles.sh").read_text().splitlines()
