"""Progress bars whose state is in a real broker, between processes."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import SynchronousOnlyOperation

from c10kws.events import BrokerUnavailable, ProgressBar
from c10kws.events.brokers.registry import brokers
from tests.support.events import Connect, MakeBar
from tests.support.hubs import hub_in
from tests.support.line_process import LineProcess
from tests.support.redis_servers import RedisServer
from tests.support.waiting import WAIT

pytestmark = [
    pytest.mark.programs,
    pytest.mark.skipif(os.name != "posix", reason="needs Unix sockets"),
]

PATH = "/events/module/progress_bar/jobs/7"
LOCAL = {"BACKEND": "c10kws.events.brokers.local.LocalBroker"}
REDIS = {"BACKEND": "c10kws.events.brokers.redis.RedisBroker"}
#: A process that does not serve: it starts the job, ticks and shows the value.
WORKER = """
import json, sys
from django.conf import settings

settings.configure(**json.loads(sys.argv[1]))
from c10kws.events import ProgressBar

bar = ProgressBar("/jobs/<int:job>", max=200)(job=7)
for line in sys.stdin:
    match line.split():
        case ["start"]:
            answer = bar.start()
        case ["tick", number]:
            for _ in range(int(number)):
                bar.tick()
            answer = bar.value
        case _:
            bar.value = 7
            answer = [bar.value, bar.max, bar.is_done()]
    print(json.dumps(answer), flush=True)
"""


def start_worker(c10kws: dict[str, Any]) -> LineProcess:
    values = {"SECRET_KEY": django_settings.SECRET_KEY, "C10KWS": c10kws}
    return LineProcess("-c", WORKER, json.dumps(values))


@pytest.fixture
def use(site: Path, settings: Any) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Use a broker of this configuration in this process, although it runs tests."""

    def use(configuration: dict[str, Any]) -> None:
        settings.C10KWS = settings.C10KWS | {"BROKERS": {"default": configuration}}
        brokers.real = True

    brokers.forget()
    yield use
    brokers.close(0)
    brokers.real = False
    brokers.forget()


@pytest.fixture(params=["local", "redis"])
def real(request: pytest.FixtureRequest, use: Any, shared_redis: RedisServer) -> None:
    """Use a real broker."""
    options = {"url": shared_redis.url, "prefix": f"{request.node.name}:"}
    use(LOCAL if request.param == "local" else REDIS | {"OPTIONS": options})


def make(make_bar: MakeBar) -> ProgressBar:
    return make_bar("/jobs/<int:job>", max=200)


@pytest.mark.usefixtures("real")
def test_all_processes_share_a_bar(make_bar: MakeBar, connect: Connect, settings: Any) -> None:
    bar = make(make_bar)
    with connect(PATH) as client:
        assert client.expect("init")["value"] == 0
        workers = [start_worker(settings.C10KWS) for _ in range(4)]
        try:
            for worker in workers:
                worker.send("start")
            assert sorted(worker.answer() for worker in workers) == [False, False, False, True]
            assert client.expect("init")["value"] == 0
            for worker in workers:
                worker.send("tick 50")
            assert max(worker.answer() for worker in workers) == 200
        finally:
            for worker in workers:
                worker.close()
        assert [client.expect("update")["value"] for _ in range(200)] == list(range(1, 201))
        assert client.expect("done") == {}
        assert (bar(job=7).value, bar(job=7).start()) == (200, False)
        later = start_worker(settings.C10KWS)
        later.send("set")
        assert later.answer() == [7, 200, False]
        later.close()
        bar(job=7).tick()
        assert client.expect("update")["value"] == 8


@pytest.mark.usefixtures("real")
def test_on_a_loop_a_bar_has_coroutines(make_bar: MakeBar, connect: Connect) -> None:
    bar = make(make_bar)
    results: list[Any] = []

    @bar.on
    async def work() -> None:
        one = bar(job=7)
        for function in (lambda: one.value, lambda: one.max, one.start, one.is_done):
            with pytest.raises(SynchronousOnlyOperation, match=r"Await astart\(\)"):
                function()
        results.extend([await one.astart(max=2), await one.astart()])
        one.tick("one")
        await one.tick("two")
        results.extend([await one.aget_value(), await one.aget_max(), await one.ais_done()])
        await one.stop()

    with connect(PATH) as client:
        assert client.expect("init")["max"] == 200
        client.send("work", id=1)
        assert client.expect("init")["max"] == 2
        assert [client.expect("update")["label"] for _ in range(2)] == ["one", "two"]
        assert client.expect("done") == {}
        assert client.receive()["re"] == 1
    assert results == [True, False, 2, 2, True]


def test_a_hub_that_dies_is_given_the_state_again(
    use: Any, make_bar: MakeBar, connect: Connect, site: Path
) -> None:
    use(LOCAL)
    bar = make(make_bar)(job=7)
    with connect(PATH) as client:
        client.expect("init")
        assert bar.start()
        client.expect("init")
        for number in (1, 2):
            bar.tick(f"step {number}")
            assert client.expect("update")["value"] == number
        os.kill(hub_in(site), signal.SIGKILL)
        client.expect("ws:reset")  # events to all clients of the EventSocket
        assert client.expect("init")["value"] == 2
        assert client.expect("update") == {"value": 2, "label": "step 2"}
        assert not bar.start()
        bar.tick()
        assert client.expect("update")["value"] == 3


def test_a_broker_that_does_not_answer(
    use: Any, make_bar: MakeBar, connect: Connect, start_redis: Callable[..., RedisServer]
) -> None:
    server = start_redis()
    use(REDIS | {"OPTIONS": {"url": server.url}, "TIMEOUT": 0.2})
    bar = make(make_bar)(job=7)
    bar.tick("one").result(WAIT)
    server.pause()
    for function in (lambda: bar.value, bar.is_done):
        with pytest.raises(BrokerUnavailable, match=r"no answer within 0\.2 s"):
            function()
    bar.tick("two")
    with connect(PATH) as client:
        assert client.ask("?")["code"] == "unknown_event"  # the state is not known yet
        server.resume()
        frames = iter(client.receive, None)  # ws:reset may be before it
        init = next(frame for frame in frames if frame["event"] == "init")
        assert init["data"]["value"] == 2
        assert client.expect("update") == {"value": 2, "label": "two"}
    assert bar.start()
