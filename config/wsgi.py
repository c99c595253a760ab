"""What the web server calls."""

import os

import django

from config import serving
from config.pacing import Paced
from config.requests import Handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django.setup(set_prefix=False)
application = Paced(Handler())
serving.answer_with_problems()
