"""A virtual sound card for end-to-end tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from everlisten.app.bench.virtual_sound import VirtualSoundServer


@pytest.fixture
def sound_server() -> Iterator[VirtualSoundServer]:
    """A private sound server with the sink "speakers" and the microphone "desk".

    What is played to the sink "room" is what the microphone hears. Tests may add and unload more.
    """
    with VirtualSoundServer() as server:
        server.add_sink("speakers", "Speakers")
        server.add_sink("room", "Room", rate_hz=44_100)
        server.add_microphone("desk", "room", "Desk")
        server.control("set-default-sink", "speakers")
        server.control("set-default-source", "desk")
        yield server
