"""Start the servers of a home, unless the environment names others, and return the complete environment."""

from collections.abc import Callable, Mapping

from config.launcher.embedded import postgres, roles, valkey
from config.launcher.embedded.home import Home
from config.launcher.embedded.processes import Processes
from config.launcher.embedded.roles import APPLICATION, BACKUP, OWNER, Access, Role
from config.launcher.embedded.secret import get_or_create_key_ring, get_or_create_secret

DATABASE = "underone"


class ServersUnclear(SystemExit):
    """Raise when the environment does not say which database role to use."""


def start(
    *,
    home: Home,
    processes: Processes,
    environ: Mapping[str, str],
    say: Callable[[str], None] = lambda _: None,
    durable: bool = True,
) -> dict[str, str]:
    """Start the servers that `environ` does not name, and return the variables that every process needs.

    `say` is called with the name of each step.
    """
    access = _database(home=home, processes=processes, environ=environ, say=say, durable=durable)
    broker_url = environ.get("BROKER_URL")
    if not broker_url:
        say("Starting Valkey")
        broker_url = valkey.start(home=home, processes=processes)
    backup_url = environ.get("DATABASE_BACKUP_URL") or access.backup_url
    return {
        **({"DATABASE_BACKUP_URL": backup_url} if backup_url else {}),
        "DATABASE_URL": access.application_url,
        "DATABASE_OWNER_URL": access.owner_url,
        "BROKER_URL": broker_url,
        "SECRET_KEY": environ.get("SECRET_KEY") or get_or_create_secret(home=home, name="secret_key"),
        "SECRETS_KEYS": environ.get("SECRETS_KEYS") or get_or_create_key_ring(home=home, name="secrets_keys"),
        "UNDERONE_HOME": str(home.folder),
    }


def _database(
    *, home: Home, processes: Processes, environ: Mapping[str, str], say: Callable[[str], None], durable: bool
) -> Access:
    url, owner_url = environ.get("DATABASE_URL"), environ.get("DATABASE_OWNER_URL")
    if url and owner_url:
        return Access(owner_url=owner_url, application_url=url)
    if owner_url:
        raise ServersUnclear("DATABASE_OWNER_URL is set but DATABASE_URL is not. Set both or neither.")
    if url:
        return _provision_on_own_server(home=home, url=url)
    say("Starting PostgreSQL" if (home.servers / "postgres").exists() else "Creating the PostgreSQL cluster")
    admin_url = postgres.start(home=home, processes=processes, durable=durable)
    return _provision(home=home, admin_url=admin_url, database=DATABASE)


def _provision_on_own_server(*, home: Home, url: str) -> Access:
    """Provision the roles on the operator's own server, in the database of `url`."""
    if not roles.can_create_roles(url=url):
        raise ServersUnclear(
            "The role in DATABASE_URL cannot create roles, so it is used as the application role. "
            "Also set DATABASE_OWNER_URL to the role that owns the database and migrates it."
        )
    # Creating the roles would set new passwords, and lock out the installation that uses them.
    for name in (OWNER, APPLICATION):
        if home.read_value(f"{name}_password") is None and not roles.missing(url=url, name=name):
            raise ServersUnclear(
                f"The server of DATABASE_URL has a role {name} that this installation did not create. "
                f"Set DATABASE_URL to the URL of {APPLICATION} and DATABASE_OWNER_URL to the URL of {OWNER}."
            )
    return _provision(home=home, admin_url=url, database=roles.database_name(url))


def _provision(*, home: Home, admin_url: str, database: str) -> Access:
    owner, application, backup = (
        Role(name=name, password=get_or_create_secret(home=home, name=f"{name}_password"))
        for name in (OWNER, APPLICATION, BACKUP)
    )
    return roles.provision(
        admin_url=admin_url, database=database, owner=owner, application=application, backup=backup
    )
