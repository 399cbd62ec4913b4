"""The names of processes."""

from __future__ import annotations

import os
import socket

from c10kws.control.links import name_of_socket, process_of
from c10kws.control.process import Process, this_process
from c10kws.runtime_directory import directory_path
from tests.support.shell import run_program

FORK = """
import os
from c10kws.control.process import this_process
print(this_process().name, this_process().token, flush=True)
if os.fork() == 0:
    print(this_process().name, this_process().token, flush=True)
    os._exit(0)
os.wait()
"""


def test_a_process_has_a_name_for_people_and_one_for_programs() -> None:
    own = this_process()
    assert own.name == f"{socket.gethostname()}:{os.getpid()}"
    assert own == this_process() != Process()
    assert process_of(directory_path() / name_of_socket(own)) == own


def test_a_forked_child_is_another_process() -> None:
    parent, child = (line.split() for line in run_program(FORK).splitlines())
    assert parent[0] != child[0]
    assert parent[1] != child[1]
