"""Django's command line. Beside a product that `make up` or `make demo` started, it needs no variables."""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

from config import env

if __name__ == "__main__":
    env.load_file(home=Path(__file__).resolve().parent / ".underone")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    execute_from_command_line(sys.argv)
