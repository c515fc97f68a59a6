"""What may wait for a disk is done elsewhere, in order, and failures are said."""

import threading

from everlisten.engine.errors import EngineError
from everlisten.engine.sounds.clerk import Clerk


def test_tasks_are_done_in_order_elsewhere_before_it_stops():
    done, threads = [], set()
    clerk = Clerk(done.append)

    def task(number):
        threads.add(threading.current_thread().name)
        done.append(number)

    for number in range(20):
        clerk.do(lambda number=number: task(number))
    clerk.stop()
    assert done == list(range(20))
    assert threads == {"sounds-disk"}


def test_a_failure_is_said_and_the_rest_is_done():
    said, done = [], []

    def refuse():
        raise EngineError("The disk is full.")

    def fail():
        raise ValueError("odd")

    clerk = Clerk(said.append)
    for task in (refuse, fail, lambda: done.append(1)):
        clerk.do(task)
    clerk.stop()
    assert said[0] == "The disk is full."
    assert "odd" in said[1]
    assert done == [1]


def test_without_a_task_there_is_no_thread():
    before = threading.active_count()
    Clerk(print).stop()
    assert threading.active_count() == before
