"""The worker for gunicorn: ``gunicorn -k c10kws.gunicorn.Worker project.wsgi``."""

from .worker import Worker

__all__ = ["Worker"]
