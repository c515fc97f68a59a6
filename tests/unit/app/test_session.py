"""One session from its start to its end, with a counting model and tiny files."""

import threading

import pytest

from everlisten.app import session as session_module
from everlisten.app.session import Session
from everlisten.audio_io.errors import AudioFileError
from everlisten.engine.events import CaptionFinal, EngineFailed, Question, ReplyFinal, SessionEnded
from everlisten.engine.interaction import Instruction


@pytest.fixture
def begin(equipment, model):
    """Begins a session that plays a file; what still runs at the end is stopped."""
    begun = []

    def make(path, *, fast=True, instruction=None):
        plan = equipment.file_plan(path, instruction or Instruction(), fast=fast)
        session = Session(plan, model=model, writer=equipment.writer)
        session.start()
        begun.append(session)
        return session

    yield make
    model.gate.set()
    for session in begun:
        session.feed.stop()
        session.engine.stop()


def saved(equipment, session):
    return [event.text for event in equipment.history.events(session.id)]


def ended(equipment):
    equipment.writer.stop()
    return list(equipment.drain())


def test_a_file_to_its_end(begin, sound, equipment, wait_for):
    session = begin(sound(5))
    wait_for(lambda: session.finished)
    session.stop()
    events = ended(equipment)
    assert [event.text for event in events if isinstance(event, CaptionFinal)] == [
        *"01234",
        "end",
    ]
    assert isinstance(events[-1], SessionEnded)
    assert events[-1].end_s == pytest.approx(2.0)
    [info] = equipment.history.sessions()
    assert (info.title, info.ended, info.captions) == ("sound.wav", True, 6)


def test_stop_finishes_what_waits_before_the_end(begin, sound, equipment, model, wait_for):
    model.gate.clear()
    session = begin(sound(5))
    wait_for(lambda: len(session.ring) == 4)
    opener = threading.Timer(0.2, model.gate.set)
    opener.start()
    session.stop()
    opener.join()
    assert not session.engine.alive
    events = ended(equipment)
    assert [event.text for event in events if isinstance(event, CaptionFinal)][-1] == "end"
    assert saved(equipment, session).count("4") == 1
    assert not [event for event in events if isinstance(event, EngineFailed)]


def test_what_is_left_when_the_engine_is_too_slow_is_told(
    begin, sound, equipment, model, wait_for, monkeypatch
):
    monkeypatch.setattr(session_module, "DRAIN_TIMEOUT_S", 0.05)
    model.gate.clear()
    session = begin(sound(6))
    wait_for(lambda: len(session.ring) == 5)
    opener = threading.Timer(0.3, model.gate.set)
    opener.start()
    session.stop()
    opener.join()
    sentences = [event.text for event in ended(equipment) if isinstance(event, EngineFailed)]
    assert sentences == ["The last 2 s were not captioned: the computer could not keep up."]


def test_after_a_failure_the_rest_of_the_ring_is_captioned(
    begin, sound, equipment, model, wait_for
):
    model.fail_at = {2}
    session = begin(sound(5))
    wait_for(lambda: session.engine.failed and not session.engine.alive)
    assert not session.finished
    session.restart_engine()
    wait_for(lambda: session.finished)
    session.stop()
    assert ended(equipment)[-1].end_s == pytest.approx(2.0)
    assert sorted(saved(equipment, session)) == ["0", "1", "3", "4", "end"]


def test_a_session_that_ends_before_the_restart_keeps_its_length_and_its_words(
    begin, sound, equipment, model, wait_for
):
    model.fail_at = {2}
    session = begin(sound(4))
    wait_for(lambda: session.engine.failed and session.ring.closed)
    session.stop()
    assert ended(equipment)[-1].end_s == pytest.approx(1.6)
    assert "3" in saved(equipment, session)


def test_the_length_survives_a_restart_without_another_chunk(
    begin, sound, equipment, model, wait_for
):
    model.fail_at = {3}
    session = begin(sound(4))
    wait_for(lambda: session.engine.failed and session.ring.finished)
    session.engine.join(5)
    session.restart_engine()
    wait_for(lambda: session.finished)
    session.stop()
    assert ended(equipment)[-1].end_s == pytest.approx(1.2)


def test_pause_says_the_last_words_and_resume_goes_on(begin, sound, equipment, wait_for):
    session = begin(sound(30), fast=False)
    wait_for(lambda: session.engine.load.chunks >= 2)
    session.pause()
    wait_for(lambda: "end" in saved(equipment, session))
    heard = session.engine.load.chunks
    session.resume()
    wait_for(lambda: session.engine.load.chunks > heard + 1)
    session.stop()
    texts = [text for text in saved_in_order(equipment) if text != "end"]
    assert texts == [str(index) for index in range(len(texts))]


def saved_in_order(equipment):
    return [event.text for event in ended(equipment) if isinstance(event, CaptionFinal)]


def test_another_language_holds_from_the_next_step_on_also_after_a_restart(
    begin, sound, equipment, model, wait_for
):
    model.gate.clear()
    session = begin(sound(4))
    session.instruct(Instruction(language="de"))
    model.fail_at = {2}
    model.gate.set()
    wait_for(lambda: session.engine.failed and not session.engine.alive)
    session.restart_engine()
    wait_for(lambda: session.finished)
    session.stop()
    equipment.writer.stop()
    assert {"1de", "3de"} <= set(saved(equipment, session))


def test_a_bad_file_is_told_before_anything_starts(tmp_path, equipment, model):
    plan = equipment.file_plan(tmp_path / "missing.wav", Instruction())
    with pytest.raises(AudioFileError, match=r"missing\.wav"):
        Session(plan, model=model, writer=equipment.writer)
    assert not equipment.history.sessions()


def test_typed_questions_are_kept_before_their_answers(begin, sound, equipment, model, wait_for):
    model.gate.clear()
    session = begin(sound(2))
    wait_for(lambda: len(session.ring) == 1)
    session.ask("Who rang?")
    session.ask("Who rang?")
    model.gate.set()
    wait_for(lambda: session.finished)
    session.stop()
    equipment.writer.stop()
    kept = equipment.history.events(session.id)
    asked = [event for event in kept if isinstance(event, Question)]
    assert [event.text for event in asked] == ["Who rang?", "Who rang?"]
    assert kept.index(asked[0]) < [type(event) for event in kept].index(ReplyFinal)
    assert [hit.text for hit in equipment.history.search("rang")].count("Who rang?") == 2
