"""Django's command line. Beside a product that `make up` or `make demo` started, it needs no variables."""

import os
import sys
from importlib import import_module
from pathlib import Path

from django.core.management import execute_from_command_line

from config import env

if __name__ == "__main__":
    if sys.argv[1:2] == ["restore"] and "DATABASE_URL" not in os.environ:
        # Into a new home, whose servers do not run yet. Imported only here: it needs requirements-embedded.lock.
        import_module("config.launcher.restore").main(sys.argv[2:])
        sys.exit()
    env.load_file(home=Path(__file__).resolve().parent / ".underone")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    execute_from_command_line(sys.argv)
