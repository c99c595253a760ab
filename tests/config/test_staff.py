"""Test the pages of /staff/: access, content, and audit entries of actions."""

import io
import re
from html import unescape
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.utils import ProgrammingError
from django.http import HttpRequest
from django.test import Client as Browser

from accounts.api_keys import secrets as key_secrets
from accounts.models import Agency, Person
from accounts.people import sessions
from accounts.tenancy import context
from tests import build, owner
from tests.accounts.people.devices import totp_code
from tests.accounts.people.visitors import PASSWORD, Visitor, address, create_member, create_user, new_email
from tests.client import Client
from tests.conftest import NOON

AGENCIES, PEOPLE = "/staff/accounts/agency/", "/staff/accounts/person/"


@pytest.fixture(autouse=True)
def staff_enabled(committed_db: None, settings: LazySettings) -> None:
    settings.ROOT_URLCONF = "tests.config.staff_urls"


@pytest.fixture
def db(committed_db: None) -> None:
    """Commit everything."""


@pytest.fixture
def staff() -> Person:
    """Create a staff user."""
    person = create_user(name="Ana")
    owner.make_staff(person)
    return person


@pytest.fixture
def browser(staff: Person) -> Browser:
    """Return a signed-in browser of staff, which checks CSRF as in production."""
    browser = visiting()
    answer = sign_in(browser, staff.email)
    assert (answer.status_code, answer["Location"]) == (302, "/staff/")
    return browser


def visiting() -> Browser:
    return Browser(enforce_csrf_checks=True, REMOTE_ADDR=address())


def token(page: str) -> str:
    return str(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[0])


def sign_in(browser: Browser, email: str, password: str = PASSWORD) -> Any:
    page = browser.get("/staff/login/").content.decode()
    return browser.post(
        "/staff/login/?next=/staff/",
        {"username": email, "password": password, "csrfmiddlewaretoken": token(page)},
    )


def shown(browser: Browser, path: str) -> str:
    response = browser.get(path)
    assert response.status_code == 200, response.content
    return unescape(response.content.decode())


def agency_page(agency: Agency) -> str:
    return f"{AGENCIES}{agency.pk}/change/"


def list_audit_entries(client: Client) -> list[tuple[str, str, str]]:
    """Return the agency's audit entries of staff, newest first."""
    entries = client.read("/v1/audit-log")["data"]
    return [
        (each["who"], each["what"], each["about"]) for each in entries if each["who"].startswith("staff ")
    ]


def submit(browser: Browser, path: str, **button: str) -> int:
    """Submit a form, and return the status."""
    return browser.post(path, {"csrfmiddlewaretoken": token(shown(browser, path))} | button).status_code


def test_staff_pages_are_missing_without_setting(settings: LazySettings, staff: Person) -> None:
    settings.ROOT_URLCONF = "config.urls"

    assert [visiting().get(path).status_code for path in ("/staff/", "/staff/login/", AGENCIES)] == [404] * 3


@pytest.mark.parametrize("path", ["/staff/", AGENCIES, PEOPLE])
def test_staff_pages_require_sign_in(acme: Client, path: str) -> None:
    responses = [visiting().get(path), acme.get(path), visiting().get(agency_page(acme.agency))]

    assert [(each.status_code, each["Location"].startswith("/staff/login/")) for each in responses] == [
        (302, True)
    ] * 3
    assert list_audit_entries(acme) == []


def test_member_without_staff_flag_is_refused(acme: Client) -> None:
    person = create_user()
    create_member(acme.agency, person)
    browser = visiting()

    assert sign_in(browser, person.email).status_code == 200  # the form again
    assert browser.get(AGENCIES).status_code == 302


def test_former_staff_is_refused_at_once(browser: Browser, staff: Person) -> None:
    assert owner.manage("create_staff", staff.email, "--off").returncode == 0

    assert browser.get(AGENCIES).status_code == 302


@pytest.mark.parametrize("is_member", [False, True])
def test_former_staff_without_agency_is_deleted(acme: Client, staff: Person, is_member: bool) -> None:
    if is_member:
        create_member(acme.agency, staff)

    assert owner.manage("create_staff", staff.email, "--off").returncode == 0

    assert Person.objects.filter(pk=staff.pk).exists() == is_member


def test_password_attempts_are_limited(staff: Person) -> None:
    guessing, browser = visiting(), visiting()
    by_mailbox = [sign_in(guessing, staff.email, f"guess {n}").status_code for n in range(5)]
    by_mailbox.append(sign_in(guessing, f" {staff.email.upper()}").status_code)
    by_address = [sign_in(browser, new_email(), "a guess").status_code for _ in range(11)]

    assert by_mailbox == [200] * 5 + [429]
    assert by_address == [200] * 10 + [429]


def test_password_attempts_of_other_addresses_do_not_lock_staff(staff: Person) -> None:
    guessing = visiting()
    guesses = [sign_in(guessing, staff.email, f"guess {n}").status_code for n in range(7)]

    assert guesses == [200] * 5 + [429] * 2
    assert sign_in(visiting(), staff.email).status_code == 302


def test_password_failures_alone_are_counted(staff: Person) -> None:
    client_address = address()
    tried = [password for n in range(6) for password in (PASSWORD, f"guess {n}")]
    browsers = [Browser(enforce_csrf_checks=True, REMOTE_ADDR=client_address) for _ in tried]

    statuses = [
        sign_in(browser, staff.email, password).status_code
        for browser, password in zip(browsers, tried, strict=True)
    ]

    assert statuses == [302, 200] * 5 + [429] * 2


def test_sign_in_is_refused_without_failure_counter(staff: Person, settings: LazySettings) -> None:
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}}

    assert sign_in(visiting(), staff.email).status_code == 429


def test_form_without_csrf_token_is_refused(browser: Browser, acme: Client) -> None:
    response = browser.post(agency_page(acme.agency), {"revoke": "key_0"})

    assert response.status_code == 403
    assert list_audit_entries(acme) == []


def test_session_cookie_is_limited_to_staff_pages(browser: Browser) -> None:
    cookie = browser.cookies["underone_staff"]

    assert (cookie["path"], cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (
        "/staff/",
        True,
        "Strict",
        28800,
    )


def test_agencies_are_listed_and_found_by_name(browser: Browser, acme: Client, rival: Client) -> None:
    everything, filtered = shown(browser, AGENCIES), shown(browser, f"{AGENCIES}?q=riv")

    assert all(each.agency.public_id in everything for each in (acme, rival))
    assert (rival.agency.public_id in filtered, acme.agency.public_id in filtered) == (True, False)
    assert (list_audit_entries(acme), list_audit_entries(rival)) == ([], [])


def test_agency_list_shows_agencies_only(acme: Client) -> None:
    acme.take_on()
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('underone.staff', 'on', false)")
        for table, rows in (("accounts_agency", 1), ("accounts_selleraccount", 0), ("accounts_apikey", 0)):
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert (table, cursor.fetchone()[0]) == (table, rows)
        cursor.execute("UPDATE accounts_agency SET name = 'Taken over'")
        assert cursor.rowcount == 0
        cursor.execute("SELECT set_config('underone.staff', '', false)")


def test_agency_page_shows_state_and_is_audited(
    browser: Browser, staff: Person, acme: Client, rival: Client
) -> None:
    shop = acme.take_on(name="Shop of Acme")
    rival.take_on(name="Shop of Rival")
    acme.load(shop, build.orders_file([build.order_row()]))
    endpoint = acme.listen(url="https://hooks.example.com/a/secret/path")
    member = create_member(acme.agency, create_user())

    page = shown(browser, agency_page(acme.agency))

    ids = (shop, endpoint["id"], member.public_id, acme.key[:20])
    for word in (*ids, "Shop of Acme", "hooks.example.com", "1 loaded", "endpoint.created"):
        assert word in page
    for secret in (acme.key, acme.key[21:], endpoint["secret"], "/a/secret/path", "Shop of Rival", "scrypt$"):
        assert secret not in page
    assert list_audit_entries(acme)[0] == (f"staff {staff.email}", "staff.looked", acme.agency.public_id)
    assert list_audit_entries(rival) == []


def test_key_is_revoked_by_staff_and_audited(browser: Browser, staff: Person, acme: Client) -> None:
    with context.agency(acme.agency.pk):
        key, text = key_secrets.create(agency=acme.agency, name="lost", now=NOON)
    assert acme.get("/v1/me").status_code == 200

    assert submit(browser, agency_page(acme.agency), revoke=key.public_id) == 302

    assert Client(acme.agency, text).get("/v1/me").status_code == 401
    assert list_audit_entries(acme)[0] == (f"staff {staff.email}", "key.revoked", key.public_id)
    assert submit(browser, agency_page(acme.agency), revoke=key.public_id) == 404


def test_endpoint_is_disabled_by_staff_and_audited(browser: Browser, staff: Person, acme: Client) -> None:
    endpoint = acme.listen()["id"]

    assert submit(browser, agency_page(acme.agency), disable=endpoint) == 302

    assert acme.read(f"/v1/webhook-endpoints/{endpoint}")["enabled"] is False
    assert (f"staff {staff.email}", "endpoint.disabled", endpoint) in list_audit_entries(acme)


@pytest.mark.parametrize("what", ["key", "endpoint"])
def test_resources_of_another_agency_are_not_found(
    browser: Browser, acme: Client, rival: Client, what: str
) -> None:
    with context.agency(rival.agency.pk):
        key, text = key_secrets.create(agency=rival.agency, name="theirs", now=NOON)
    button = {"revoke": key.public_id} if what == "key" else {"disable": rival.listen()["id"]}

    assert submit(browser, agency_page(acme.agency), **button) == 404
    assert submit(browser, agency_page(acme.agency)) == 400
    assert Client(rival.agency, text).get("/v1/me").status_code == 200
    assert {each["enabled"] for each in rival.read("/v1/webhook-endpoints")["data"]} <= {True}


@pytest.mark.parametrize("path", ["00000000-0000-0000-0000-000000000000", "nothing", "%00"])
def test_unknown_agency_is_not_found(browser: Browser, path: str) -> None:
    assert browser.get(f"{AGENCIES}{path}/change/").status_code in {302, 404}


def test_users_are_shown_with_agencies_without_password(browser: Browser, acme: Client) -> None:
    person = create_user(name="Mei of Acme")
    create_member(acme.agency, person)

    everybody, one = shown(browser, PEOPLE), shown(browser, f"{PEOPLE}{person.pk}/change/")

    assert person.email in everybody
    assert "Acme (admin)" in one
    assert person.password not in everybody + one
    assert "scrypt" not in everybody + one


@pytest.mark.parametrize(
    "path",
    [f"{PEOPLE}add/", f"{AGENCIES}add/", f"{PEOPLE}{{person}}/delete/", f"{AGENCIES}{{agency}}/delete/"],
)
def test_staff_pages_cannot_add_or_delete(browser: Browser, staff: Person, acme: Client, path: str) -> None:
    assert browser.get(path.format(person=staff.pk, agency=acme.agency.pk)).status_code == 403


def test_staff_pages_cannot_change_users(browser: Browser, staff: Person) -> None:
    path = f"{PEOPLE}{staff.pk}/change/"

    assert submit(browser, path, name="Another", is_superuser="on") == 403
    assert Person.objects.get(pk=staff.pk).name == "Ana"


def test_staff_pages_load_own_resources_only(browser: Browser) -> None:
    policy = browser.get("/staff/")["Content-Security-Policy"]

    assert "default-src 'none'; script-src 'self'" in policy
    assert "unsafe" not in policy
    assert browser.get("/staff/")["X-Frame-Options"] == "DENY"


def test_create_staff_creates_user_with_password() -> None:
    email = new_email()

    ran = owner.manage("create_staff", email.upper(), typed=f"{PASSWORD}\n")

    assert (ran.returncode, ran.stdout) == (0, f"{email} is now staff.\n"), ran.stderr
    assert sign_in(visiting(), email).status_code == 302


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("nobody",), "not a valid e-mail address"),
        ((new_email(),), "too short"),
        ((new_email(), "--off"), "No user has the e-mail address"),
    ],
)
def test_create_staff_explains_refusal(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], why: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))

    with pytest.raises(CommandError, match=why):
        call_command("create_staff", *words)

    assert not Person.objects.exists()


def test_staff_is_made_by_owner_only(acme: Client, staff: Person) -> None:
    person = create_user()
    for statement in (
        "UPDATE accounts_person SET is_staff = true",
        "UPDATE accounts_person SET is_superuser = true",
        f"UPDATE accounts_person SET is_staff = false WHERE id = '{staff.pk}'",
        "INSERT INTO accounts_person (id, email, name, password, is_superuser, is_staff, created_at) "
        "VALUES (gen_random_uuid(), 'a@b.example', '', '', false, true, now())",
    ):
        with pytest.raises(ProgrammingError, match="only the owner"), connection.cursor() as cursor:
            cursor.execute(statement)

    with pytest.raises(CommandError, match=r"DATABASE_URL=.DATABASE_OWNER_URL"):
        call_command("create_staff", person.email)


def test_staff_session_of_database_opens_nothing(browser: Browser) -> None:
    ((stored, data),) = owner.execute("SELECT session_key, session_data FROM django_session")
    cookie = browser.cookies["underone_staff"].value
    other = visiting()
    other.cookies["underone_staff"] = stored

    assert other.get(AGENCIES).status_code == 302
    assert cookie not in (stored, data)
    assert browser.get(AGENCIES).status_code == 200


def test_api_session_is_no_staff_session(staff: Person, acme: Client) -> None:
    session_key = Visitor().sign_in(staff.email)["token"].removeprefix("uo_ses_").partition(".")[0]
    browser = visiting()

    def answers() -> list[int]:
        browser.cookies["underone_staff"] = session_key
        return [
            browser.get(path).status_code for path in ("/staff/", AGENCIES, PEOPLE, agency_page(acme.agency))
        ]

    assert answers() == [302] * 4
    assert sign_in(browser, staff.email, "a guess").status_code == 200
    assert answers() == [302] * 4
    assert list_audit_entries(acme) == []


def test_session_cookie_changes_at_sign_in(staff: Person) -> None:
    planted = Visitor().sign_in(staff.email)["token"].removeprefix("uo_ses_").partition(".")[0]
    browser, thief = visiting(), visiting()
    browser.cookies["underone_staff"] = thief.cookies["underone_staff"] = planted

    assert sign_in(browser, staff.email).status_code == 302

    assert (browser.get(AGENCIES).status_code, thief.get(AGENCIES).status_code) == (200, 302)
    assert browser.cookies["underone_staff"].value != planted


def test_staff_session_is_no_api_session(browser: Browser, staff: Person, acme: Client) -> None:
    create_member(acme.agency, staff)
    request = HttpRequest()
    request.session = SessionStore(browser.cookies["underone_staff"].value)
    token = sessions.SignedTokens().create_session_token(request)
    visitors = [Visitor().carry(token, header=header) for header in (False, True)]

    responses = [visitor.get(path) for visitor in visitors for path in ("/v1/me", "/v1/auth/session")]

    assert [each.status_code for each in responses] == [401] * 4
    assert browser.get(AGENCIES).status_code == 200


def test_failed_sign_in_ends_session(browser: Browser, staff: Person) -> None:
    form = {
        "username": staff.email,
        "password": "a guess",
        "csrfmiddlewaretoken": token(shown(browser, "/staff/")),
    }

    assert browser.post("/staff/login/", form).status_code == 200
    assert browser.get(AGENCIES).status_code == 302


def add_totp(staff: Person) -> tuple[str, list[str]]:
    """Add an authenticator app to a staff user, and return its secret and the recovery codes."""
    visitor = Visitor()
    visitor.sign_in(staff.email)
    secret = str(visitor.send("/v1/auth/totp").json()["secret"])
    added = visitor.send("/v1/auth/totp/activate", code=totp_code(secret))
    return secret, list(added.json()["recovery_codes"])


def send_code(browser: Browser, code: str) -> Any:
    page = browser.get("/staff/login/code/").content.decode()
    return browser.post("/staff/login/code/", {"code": code, "csrfmiddlewaretoken": token(page)})


def test_second_factor_is_required_of_staff_who_have_one(staff: Person) -> None:
    secret, _ = add_totp(staff)
    browser = visiting()

    first = sign_in(browser, staff.email)

    assert (first.status_code, first["Location"]) == (302, "/staff/login/code/")
    assert browser.get(AGENCIES).status_code == 302
    wrong = send_code(browser, "000000")
    assert (wrong.status_code, "The code is incorrect" in wrong.content.decode()) == (200, True)
    assert browser.get(AGENCIES).status_code == 302
    second = send_code(browser, totp_code(secret))
    assert (second.status_code, second["Location"]) == (302, "/staff/")
    assert browser.get(AGENCIES).status_code == 200


def test_recovery_code_admits_staff(staff: Person) -> None:
    _, codes = add_totp(staff)
    browser = visiting()
    sign_in(browser, staff.email)

    assert send_code(browser, codes[0]).status_code == 302
    assert browser.get(AGENCIES).status_code == 200


def test_second_factor_of_staff_is_limited(staff: Person) -> None:
    add_totp(staff)
    browser = visiting()
    sign_in(browser, staff.email)

    statuses = [send_code(browser, f"00000{n}").status_code for n in range(6)]

    assert statuses == [200] * 5 + [429]


def test_second_step_requires_first(staff: Person) -> None:
    secret, _ = add_totp(staff)

    assert visiting().get("/staff/login/code/")["Location"].startswith("/staff/login/")
    browser = visiting()
    sign_in(browser, staff.email)
    page = browser.get("/staff/login/code/").content.decode()
    assert owner.manage("create_staff", staff.email, "--off").returncode == 0
    body = {"code": totp_code(secret), "csrfmiddlewaretoken": token(page)}
    assert browser.post("/staff/login/code/", body)["Location"].startswith("/staff/login/")


def test_operator_removes_lost_second_factors(acme: Client) -> None:
    person = create_user(name="Mei")
    member = create_member(acme.agency, person)
    add_totp(person)

    call_command("remove_second_factors", person.email)

    assert Visitor().sign_in(person.email)
    entry = acme.read("/v1/audit-log")["data"][0]
    assert (entry["what"], entry["who"], entry["about"]) == (
        "member.second_factor_removed",
        "underone",
        member.public_id,
    )
    with pytest.raises(CommandError, match="has no second factor"):
        call_command("remove_second_factors", person.email)
