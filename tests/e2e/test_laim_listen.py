"""A checkpoint in the released layout, from the file on disk to events, timeline and window.

The tiny checkpoint has random weights: it speaks nonsense, at random. So types, order, ids and
lanes are checked, and that a second run says the same.
"""

import json
import os
import subprocess
import sys
from collections import Counter

import laim_fixture
import numpy as np
import pytest
import soundfile
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from safetensors.numpy import load_file, save_file

from everlisten.app.assistance import AssistanceControl
from everlisten.app.config import load_config
from everlisten.app.controller import Controller
from everlisten.app.equipment import Equipment
from everlisten.app.paths import AppPaths
from everlisten.app.settings import AppSettings
from everlisten.app.whole_files import WholeFiles
from everlisten.app.wishes import Wishes
from everlisten.engine.events import EngineState
from everlisten.engine.interaction import Instruction
from everlisten.engine.laim.tokens import KEEP_SILENCE, TEXT_BEGIN, TEXT_END, Emotion
from everlisten.engine.timeline.history import TimelineHistory
from everlisten.engine.timeline.store import TimelineStore
from everlisten.ui.main_window import MainWindow
from everlisten.ui.protocols import SourceSelection
from everlisten.ui.timeline_row import RowKind

pytestmark = [pytest.mark.e2e, pytest.mark.qt_log_ignore("This plugin does not support")]

HEARD_S = 6
LANES = ("captions", "translation", "assistant")
HEAD = "lm_head.weight"


@pytest.fixture(scope="module")
def checkpoint(shared, tmp_path_factory):
    """The tiny checkpoint with another head: each lane speaks after some chunks and not others."""
    folder = laim_fixture.tiny_checkpoint(shared, tmp_path_factory.mktemp("laim"))
    index = json.loads((folder / "model.safetensors.index.json").read_text("utf-8"))
    shard = folder / index["weight_map"][HEAD]
    tensors = load_file(shard)
    head, rng = tensors[HEAD].astype(np.float32), np.random.default_rng(0)
    head[TEXT_BEGIN] = head[KEEP_SILENCE] + rng.normal(0, 1, head.shape[1])
    head[TEXT_END] = rng.normal(0, 1.5, head.shape[1])
    # Urgent replies break others off at a moment that depends on the computer's speed.
    head[Emotion.URGENT] = 0.0
    save_file({**tensors, HEAD: head.astype(tensors[HEAD].dtype)}, shard)
    return folder


@pytest.fixture(scope="module")
def sound(demo_scene, tmp_path_factory):
    """The first seconds of the demo scene."""
    samples, rate_hz = soundfile.read(demo_scene, frames=HEARD_S * 16_000, dtype="float32")
    path = tmp_path_factory.mktemp("sound") / "sound.wav"
    soundfile.write(path, samples, rate_hz)
    return path


def everlisten(*args, folder=None):
    command = [sys.executable, "-m", "everlisten.app", *map(str, args)]
    own = {} if folder is None else {"EVERLISTEN_DATA_DIR": str(folder)}
    environment = {**os.environ, **own}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)


def listen(path, checkpoint, *options, folder=None):
    done = everlisten(
        "listen", path, "--fast", "--json", "--model", checkpoint, "--device", "cpu",
        "--precision", "float32", *options, folder=folder,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def of(events, *kinds):
    return [event for event in events if event["type"] in kinds]


def said(events):
    """What each lane decided and said, without what differs between two sessions."""
    decisions = {
        (lane, event["start_s"]): (event["speak"], round(event["score"], 2))
        for lane in LANES
        for event in of(events, "decision")
        if event["lane"] == lane
    }
    texts = {
        kind: [event["text"] for event in of(events, kind)]
        for kind in ("caption_final", "translation_final", "reply_final")
    }
    return decisions, texts


ALL_LANES = (
    *("--lanes", "captions,translation,assistant"),
    *("--translate", "de", "--preset", "warn"),
)


@pytest.fixture(scope="module")
def three_lanes(checkpoint, sound, tmp_path_factory):
    """Events of all lanes, and the data folder of that run."""
    folder = tmp_path_factory.mktemp("data")
    return listen(sound, checkpoint, *ALL_LANES, folder=folder), folder


def test_three_lanes_from_file_to_events(three_lanes):
    events, folder = three_lanes
    assert events[0]["type"] == "session"
    assert events[-1]["type"] == "end"
    assert events[-1]["end_s"] == pytest.approx(HEARD_S)
    session = events[0]["session"]
    assert {event["session"] for event in events} == {session}
    decisions = Counter(event["lane"] for event in of(events, "decision"))
    assert decisions == dict.fromkeys(LANES, HEARD_S / 0.4), "one decision for a chunk and lane"
    assert {event["speak"] for event in of(events, "decision")} == {True, False}
    for partial, final in (
        ("caption_partial", "caption_final"),
        ("translation_partial", "translation_final"),
        ("reply_delta", "reply_final"),
    ):
        finals = [event["id"] for event in of(events, final)]
        assert finals, final
        assert len(set(finals)) == len(finals), "one final for an id"
        assert {event["id"] for event in of(events, partial)} == set(finals)
    captions = {event["id"] for event in of(events, "caption_final")}
    for event in of(events, "translation_final"):
        assert event["language"] == "de"
        assert event["caption"] in captions | {""}
    for event in of(events, "reply_final"):
        deltas = [one for one in of(events, "reply_delta") if one["id"] == event["id"]]
        assert "".join(one["text"] for one in deltas).strip() == event["text"]
        assert event["lane"] == "assistant"
        assert event["emotion"] in ("happy", "sad", "angry", "surprise", "normal")

    paths = AppPaths(data=folder, config=folder)
    with TimelineStore(paths.timeline) as store:
        kept = TimelineHistory(store).events(session)
    shown = {event["id"] for event in events if event["type"].endswith("_final")}
    assert {event.id for event in kept} == shown, "the timeline has every final"


def test_a_second_run_says_the_same_and_so_does_a_lane_alone(checkpoint, sound, three_lanes):
    among, again = said(three_lanes[0]), said(listen(sound, checkpoint, *ALL_LANES))
    assert among == again
    assert all(among[1].values())
    alone = said(listen(sound, checkpoint, "--lanes", "captions"))
    assert alone[1]["caption_final"] == among[1]["caption_final"]
    assert {key: value for key, value in among[0].items() if key[0] == "captions"} == alone[0]
    assert not alone[1]["reply_final"]


def test_a_talkative_assistant_speaks_more(checkpoint, sound):
    spoken = [
        sum(event["speak"] for event in of(events, "decision"))
        for events in (
            listen(
                *(sound, checkpoint, "--lanes", "assistant"),
                *("--seconds", 2.4, "--talkativeness", bias),
            )
            for bias in (-4, 4)
        )
    ]
    assert spoken[0] < spoken[1]


def test_interleaving_loses_no_chunk(checkpoint, sound):
    events = listen(sound, checkpoint, *ALL_LANES, "--policy", "interleave")
    decisions = Counter(event["lane"] for event in of(events, "decision"))
    assert decisions == dict.fromkeys(LANES, HEARD_S / 0.4)
    assert of(events, "reply_final")


def test_a_sequence_is_one_session(checkpoint, sound, tmp_path):
    sequence = tmp_path / "sequence.json"
    sequence.write_text(json.dumps([str(sound), str(sound)]))
    events = listen(sequence, checkpoint, "--lanes", "captions")
    assert events[0]["text"] == "sequence.json"
    assert events[-1]["end_s"] == pytest.approx(2 * (HEARD_S + 1.2))


def test_a_terminal_shows_replies(checkpoint, sound):
    done = everlisten(
        "listen", sound, "--fast", "--model", checkpoint, "--device", "cpu",
        "--lanes", "assistant", "--seconds", "4",
    )  # fmt: skip
    assert done.returncode == 0
    assert "] Everlisten: " in done.stdout
    assert done.stderr.splitlines()[0] == "The big model is being loaded."


def test_a_missing_file_of_the_checkpoint_is_named(checkpoint, sound, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    done = everlisten("listen", sound, "--model", empty, "--json")
    assert (done.returncode, done.stdout) == (3, "")
    [line] = done.stderr.splitlines()
    assert str(empty) in line


@pytest.fixture
def desktop(qtbot, checkpoint, config_dir):
    """(window, controller) with the tiny model chosen in the settings; nothing listens yet."""
    config_dir.mkdir(exist_ok=True)
    (config_dir / "config.yaml").write_text(
        f"engine:\n  model: folder\n  folder: '{checkpoint}'\n  device: cpu\n", encoding="utf-8"
    )
    paths = AppPaths.default()
    config = load_config(paths)
    with Equipment.open(config, paths) as equipment:
        settings = AppSettings(config, paths)
        wishes = Wishes(Instruction(translate_to="de", assistant="warn"))
        controller = Controller(
            equipment, selection=SourceSelection(), wishes=wishes, remember=settings.change
        )
        window = MainWindow(
            controller,
            equipment.history,
            settings,
            config.ui,
            AssistanceControl(wishes, settings, controller),
            WholeFiles(controller.big_model),
        )
        qtbot.addWidget(window)
        window.show()
        controller.launch()
        qtbot.waitUntil(lambda: window.assistant.question.isEnabled(), timeout=60_000)
        yield window, controller
        window.shut_down()
        controller.shut_down()


def rows(window, kind):
    model = window.live.model
    return [row for row in map(model.row, range(model.rowCount())) if row.kind is kind]


def test_the_window_shows_captions_translations_and_replies(desktop, qtbot, sound):
    window, controller = desktop
    assert controller.health().model == "laim-tiny"
    window.open_file(sound)
    qtbot.waitUntil(lambda: controller.state() is EngineState.LISTENING, timeout=10_000)
    qtbot.waitUntil(lambda: any(row.final for row in rows(window, RowKind.CAPTION)), timeout=30_000)
    qtbot.waitUntil(lambda: any(row.final for row in rows(window, RowKind.REPLY)), timeout=30_000)
    qtbot.waitUntil(
        lambda: any(row.translated for row in rows(window, RowKind.CAPTION)), timeout=30_000
    )
    assert "Assistant" in window.assistant.meter.accessibleName()
    replies = len(rows(window, RowKind.REPLY))
    QTest.keyClicks(window.assistant.question, "What was that?")
    QTest.keyClick(window.assistant.question, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(rows(window, RowKind.REPLY)) > replies, timeout=30_000)


def test_the_window_transcribes_a_whole_file(desktop, qtbot, sound):
    window, _ = desktop
    window.offer_file(sound)
    dialog = window.task_dialog
    dialog.transcribe.setChecked(True)
    dialog.start.click()
    qtbot.waitUntil(lambda: not dialog.progress.isVisible(), timeout=60_000)
    assert dialog.answer.toPlainText()
    dialog.close()
