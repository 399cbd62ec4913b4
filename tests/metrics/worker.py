"""A worker of a server with several: python -m tests.metrics.worker DESCRIPTOR INDEX."""

from __future__ import annotations

import os
import sys

import django


def main(descriptor: int, index: int) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.project.settings"
    django.setup()
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application

    from c10kws.refusals import Refusals
    from c10kws_tornado.sharedstate import SharedState
    from c10kws_tornado.workerslot import WorkerSlot
    from tests.support.servers import LiveServer

    settings.ROOT_URLCONF = "tests.project.metrics_urls"
    slot = WorkerSlot(SharedState(descriptor), index)
    live = LiveServer(Refusals(get_wsgi_application()), worker=slot)
    live.start()
    print(live.port, flush=True)
    sys.stdin.read()
    live.stop(timeout=2)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
