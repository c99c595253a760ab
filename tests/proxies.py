"""Start the real nginx with the configuration that we ship, in front of a web server."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from tests import certificates
from tests.installation import free_port, wait_until
from tests.web_servers import LOOPBACK, Address, connected

SHIPPED = Path(settings.BASE_DIR) / "docker" / "nginx.conf"
# nginx is in a folder for administrators, which is not in every PATH.
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt-get install nginx)")
MAIN = """
daemon off;
pid {folder}/pid;
# Its errors contain URLs, which no log of the tests may contain.
error_log {folder}/error.log crit;
worker_processes 1;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/underone.conf;
}}
"""


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """Describe a running proxy."""

    http: Address
    https: Address
    tls: ssl.SSLContext


@contextmanager
def proxy(folder: Path, *, upstream: Address) -> Iterator[Proxy]:
    """Start nginx with our configuration in front of `upstream`, and return its addresses."""
    running = Proxy(
        http=(LOOPBACK, free_port()), https=(LOOPBACK, free_port()), tls=_write_certificate(folder)
    )
    (folder / "underone.conf").write_text(_configuration(folder, running, upstream))
    # As root, nginx would work as a user who cannot read the folder.
    user = "user root;" if folder.owner() == "root" else ""
    (folder / "nginx.conf").write_text(user + MAIN.format(folder=folder))
    process = subprocess.Popen([NGINX or "nginx", "-c", folder / "nginx.conf", "-p", folder])
    try:
        wait_until(lambda: _listens(running.https))
        yield running
    finally:
        process.terminate()
        process.wait(timeout=60)


def _configuration(folder: Path, running: Proxy, upstream: Address) -> str:
    """Return the shipped configuration, with the changes that its comments ask for, and other ports."""
    text = SHIPPED.read_text()
    for line, changed in {
        "server 127.0.0.1:8000;": f"server {upstream[0]}:{upstream[1]};",
        "server_name api.agency.example;": "server_name localhost;",
        "ssl_certificate /etc/ssl/underone/certificate.pem;": f"ssl_certificate {folder}/certificate.pem;",
        "ssl_certificate_key /etc/ssl/underone/key.pem;": f"ssl_certificate_key {folder}/key.pem;",
        "listen 80;": f"listen {LOOPBACK}:{running.http[1]};",
        "listen 443 ssl http2;": f"listen {LOOPBACK}:{running.https[1]} ssl http2;",
        "access_log /var/log/nginx/access.log underone;": "access_log off;",
        "listen [::]:80;": "",
        "listen [::]:443 ssl http2;": "",
    }.items():
        assert text.count(line) == 1, line
        text = text.replace(line, changed)
    return text


def _write_certificate(folder: Path) -> ssl.SSLContext:
    """Write a certificate for localhost, and return the context of a client that trusts it."""
    certificate, _ = certificates.create("localhost").write(folder)
    return ssl.create_default_context(cafile=str(certificate))


def _listens(address: Address) -> bool:
    try:
        with connected(address):
            return True
    except OSError:
        return False
