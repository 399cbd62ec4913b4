"""Scrapes of one worker and of several."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import prometheus_client
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families
from websockets.sync.client import connect as open_websocket

from c10kws_tornado.sharedstate import Activity, SharedState
from tests.support.peers import Response, closed_with
from tests.support.peers import connect as connect_to
from tests.support.servers import LiveServer
from tests.support.shell import ROOT
from tests.support.waiting import WAIT, eventually

Samples = dict[tuple[str, str], float]

LINUX = sys.platform == "linux"
URLS = "tests.project.metrics_urls"


def scrape(port: int) -> Samples:
    """Return each sample by its name and the values of its labels."""
    with connect_to(port) as client:
        response = client.get("/metrics/")
    return samples_of(response)


def samples_of(response: Response) -> Samples:
    assert response.status == 200
    families = text_string_to_metric_families(response.body.decode())
    return {
        (sample.name, " ".join(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def difference(after: Samples, before: Samples, *key: str) -> float:
    name, labels = (*key, "")[:2]
    return after.get((name, labels), 0.0) - before.get((name, labels), 0.0)


@pytest.fixture
def own_urls(settings: Any) -> None:
    settings.ROOT_URLCONF = URLS


@pytest.mark.usefixtures("own_urls")
def test_a_scrape_has_the_numbers_of_connections(live: LiveServer) -> None:
    before = scrape(live.port)
    with live.connect("/echo/ann/") as first, live.connect("/echo/bob/") as second:
        for client in (first, second):
            client.send("x" * 1000)
            assert client.recv(WAIT) == "x" * 1000
        # The kernel counts what the client has acknowledged.
        sent = "c10kws_bytes_sent_total"
        eventually(lambda: difference(scrape(live.port), before, sent) > 2000 or not LINUX)
        during = scrape(live.port)
    with live.connect("/closing/3005/") as client:
        assert closed_with(client)[0] == 3005
    with live.connect("/failing/") as client:
        client.send("now")
        assert closed_with(client)[0] == 1011
    closed = "c10kws_closes_total"
    eventually(lambda: difference(scrape(live.port), before, closed, "1011") == 1)
    after = scrape(live.port)
    echo = "echo/<str:name>/"
    assert during["c10kws_connections", echo] == 2
    assert ("c10kws_connections", echo) not in after
    assert after["c10kws_workers", ""] == 1
    for samples in (during, after):
        assert difference(samples, before, "c10kws_connections_opened_total", echo) == 2
        assert difference(samples, before, "c10kws_messages_received_total", echo) == 2
        assert difference(samples, before, "c10kws_messages_sent_total", echo) == 2
    assert difference(after, before, "c10kws_handshakes_total", "accepted") == 4
    assert difference(after, before, closed, "1000") == 2
    assert difference(after, before, closed, "3xxx") == 1
    assert difference(after, before, "c10kws_handler_errors_total", "failing/") == 1
    if LINUX:
        assert 2000 < difference(during, before, "c10kws_bytes_received_total") < 6000
        assert 2000 < difference(during, before, sent) < 6000
    assert not [key for key in after if "/echo/ann" in key[1]]


@pytest.mark.usefixtures("own_urls")
def test_a_scrape_has_the_numbers_of_the_process(live: LiveServer) -> None:
    before = scrape(live.port)
    gc.collect()
    after = scrape(live.port)
    assert after["c10kws_pool_threads", "c10kws"] == 16
    assert difference(after, before, "c10kws_pool_jobs_total", "c10kws") >= 1
    assert after["c10kws_http_requests", ""] >= 1
    assert after["c10kws_loop_lag_seconds", "0"] >= 0
    assert difference(after, before, "c10kws_gc_pauses_total", "2") >= 1
    assert difference(after, before, "c10kws_gc_pause_seconds_total", "2") > 0
    assert after["c10kws_gc_longest_pause_seconds", ""] > 0
    assert after["c10kws_queued_bytes", ""] >= 0


@pytest.mark.usefixtures("own_urls")
def test_the_format_is_the_one_that_the_client_accepts(live: LiveServer) -> None:
    with live.client() as client:
        response = client.get("/metrics/", "Accept: application/openmetrics-text")
        assert (response["content-type"] or "").startswith("application/openmetrics-text")
        assert list(parse_openmetrics(response.body.decode()))
        assert client.get("/metrics/", method="HEAD").status == 200
        assert client.get("/metrics/", method="OPTIONS").status == 405


@pytest.mark.usefixtures("own_urls")
def test_the_projects_own_registry_is_unchanged(live: LiveServer) -> None:
    before = prometheus_client.generate_latest()
    counter = prometheus_client.Counter("own_things", "Of the project.")
    try:
        counter.inc()
        samples = scrape(live.port)
        assert not [key for key in samples if key[0].startswith(("own_things", "python_"))]
        assert b"own_things_total 1.0" in prometheus_client.generate_latest()
        assert b"c10kws_" not in before + prometheus_client.generate_latest()
    finally:
        prometheus_client.REGISTRY.unregister(counter)


@pytest.mark.usefixtures("own_urls")
def test_the_collector_may_join_a_registry(live: LiveServer) -> None:
    from c10kws.metrics import Collector

    registry = prometheus_client.CollectorRegistry()
    registry.register(Collector())
    assert registry.get_sample_value("c10kws_workers") == 1


def test_a_missing_prometheus_client_is_named() -> None:
    code = (
        "import sys\n"
        "sys.modules['prometheus_client'] = sys.modules['prometheus_client.core'] = None\n"
        "import c10kws.metrics"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert "ImproperlyConfigured" in run.stderr
    assert "pip install c10kws[metrics]" in run.stderr


# Several workers


StartWorker = Callable[[int], "Worker"]


class Worker:
    """A process with one slot of the shared state."""

    def __init__(self, state: SharedState, index: int) -> None:
        environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'servers'}"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.metrics.worker", str(state.fd), str(index)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            pass_fds=[state.fd],
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def use(self, name: str, count: int) -> None:
        """Exchange messages on one connection."""
        url = f"ws://127.0.0.1:{self.port}/echo/{name}/"
        with open_websocket(url, proxy=None, open_timeout=WAIT) as client:
            for _ in range(count):
                client.send("x")
                assert client.recv(WAIT) == "x"

    def stop(self) -> None:
        self.process.communicate(timeout=WAIT)


@pytest.fixture
def state() -> Iterator[SharedState]:
    state = SharedState.create(2)
    yield state
    state.close()


@pytest.fixture
def popen(state: SharedState) -> Iterator[StartWorker]:
    workers: list[Worker] = []

    def start(index: int) -> Worker:
        state.assign(index, 0)
        workers.append(Worker(state, index))
        state.set_pid(index, workers[-1].process.pid)
        return workers[-1]

    yield start
    for worker in workers:
        if worker.process.poll() is None:
            worker.process.kill()
        worker.process.communicate()


MESSAGES = ("c10kws_messages_received_total", "echo/<str:name>/")


@pytest.mark.skipif(os.name != "posix", reason="workers inherit a descriptor")
def test_one_scrape_sees_all_workers_and_successors(popen: StartWorker, state: SharedState) -> None:
    first, second = popen(0), popen(1)
    first.use("ann", 3)
    second.use("bob", 4)
    scrape(second.port)  # publishes
    eventually(lambda: scrape(second.port).get(MESSAGES) == 7 or scrape(first.port) is None)
    seen = [scrape(worker.port) for worker in (first, second, first, second)]
    assert [samples[MESSAGES] for samples in seen] == [7, 7, 7, 7]
    assert seen[0]["c10kws_workers", ""] == 2
    assert {key[1] for key in seen[0] if key[0] == "c10kws_loop_lag_seconds"} == {"0", "1"}
    assert seen[0]["c10kws_pool_threads", "c10kws"] == 32
    second.use("eve", 2)
    second.stop()  # publishes for the last time
    state.enter(1, Activity.ENDED)
    alone = scrape(first.port)
    state.assign(1, 1)  # to a successor that has not published yet
    assert scrape(first.port)["c10kws_workers", ""] == 1
    assert scrape(first.port)[MESSAGES] == 9
    assert alone[MESSAGES] == 9
    assert alone["c10kws_workers", ""] == 1
    assert alone["c10kws_pool_threads", "c10kws"] == 16
    successor = popen(1)
    successor.use("joe", 1)
    assert scrape(successor.port)[MESSAGES] == 10
    assert scrape(first.port)[MESSAGES] == 10
    assert scrape(first.port)["c10kws_workers", ""] == 2
