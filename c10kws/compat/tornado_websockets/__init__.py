"""The names of django-tornado-websockets 0.1.0 over ``c10kws.events``.

See ``docs/how-to/django-tornado-websockets.rst``.
"""

from ...tornado_setting import django_app as django_app
