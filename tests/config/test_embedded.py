"""The servers that the tests themselves run on."""

import pytest
from django.db import connection


@pytest.mark.django_db
def test_the_product_runs_as_a_role_that_row_level_security_binds() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        )
        powers = cursor.fetchone()

    assert powers == (False, False, False, False)
