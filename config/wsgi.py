"""What the web server calls."""

import os

from django.core.wsgi import get_wsgi_application

from config import serving
from config.pacing import Paced

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = Paced(get_wsgi_application())
serving.answer_with_problems()
