"""Examples are taken from what is heard and from files."""

from array import array

import pytest
from sound_fixture import hush, tone

from everlisten.app.listener import NOT_LISTENING
from everlisten.engine.errors import EngineError
from everlisten.engine.events import SoundAlert


def test_what_was_heard_last_can_be_taken(rig, wait_for):
    assert rig.alerting.examples.last_seconds(5.0) is None
    assert rig.alerting.examples.record_begin() == NOT_LISTENING
    assert rig.alerting.examples.record_stop() is None
    rig.play(hush(0.4), tone("siren", 1.2), hush(20.0))
    wait_for(lambda: rig.alerting.examples.last_seconds(1.0) is not None)
    assert rig.alerting.examples.record_begin() == ""
    wait_for(lambda: rig.of(SoundAlert))
    taken = rig.alerting.examples.record_stop()
    assert isinstance(taken, array)
    assert 0.2 < max(taken) < 0.4
    assert len(rig.alerting.examples.last_seconds(0.5)) == 8_000
    assert rig.alerting.examples.record_level_db() > -120


def test_a_bad_example_is_one_sentence(rig, tmp_path):
    path = tmp_path / "bad.wav"
    path.write_bytes(b"bad")
    with pytest.raises(EngineError, match=r"bad\.wav"):
        rig.alerting.examples.read_file(path)
