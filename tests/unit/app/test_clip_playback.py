"""The sounds of alerts are played and kept, over a real sound thread and a tiny model."""

import numpy as np
import soundfile
from sound_fixture import RATE_HZ, hush, tone

from everlisten.engine.events import ClipKept


def test_a_clip_is_played_from_memory_and_kept(rig, siren, wait_for):
    assert rig.alerting.clips.has(siren.id)
    assert rig.alerting.clips.path(siren.id) is None
    assert rig.alerting.clips.keep(siren.id) == ""
    path = rig.alerting.clips.path(siren.id)
    samples, rate_hz = soundfile.read(path)
    assert rate_hz == RATE_HZ
    assert 0.2 < np.abs(samples).max() < 0.4
    assert [event.path for event in rig.of(ClipKept)] == [str(path)]
    assert rig.alerting.clips.keep(siren.id) == ""
    assert not rig.alerting.clips.has("unheard-of")
    assert "not in memory" in rig.alerting.clips.keep("unheard-of")
    assert "not in memory" in rig.alerting.clips.play("unheard-of")


def test_while_recording_clips_are_kept_by_themselves(rig, wait_for):
    assert rig.settings.change("timeline.record_audio", True) == ""
    rig.play(hush(0.8), tone("siren", 1.6), hush(1.0))
    wait_for(lambda: rig.of(ClipKept))
    assert rig.alerting.clips.path(rig.of(ClipKept)[0].id) is not None
