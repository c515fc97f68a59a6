"""Signals quit the window in order, whenever they come."""

import signal

import pytest

from everlisten.app.desktop import _signals_quit


class Window:
    def __init__(self):
        self.has_quit = False

    def quit(self):
        self.has_quit = True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_event_loop_waits_for_it(qtbot, number):
    window, before = Window(), signal.getsignal(number)
    with _signals_quit(window):
        signal.raise_signal(number)
        assert not window.has_quit, "a quit before the event loop has begun is forgotten"
        qtbot.waitUntil(lambda: window.has_quit)
    assert signal.getsignal(number) is before
