"""Renders the typical scenes of the window to PNG files: `python screenshots.py FOLDER [SCENE...]`.

Works under Xvfb and on Qt's offscreen platform. A test makes sure that no picture is blank.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    if len(sys.argv) > 2 and sys.argv[2] == "--scale":
        os.environ["QT_SCALE_FACTOR"] = sys.argv.pop(3)
        del sys.argv[2]

import gui_doubles as doubles
from alert_doubles import tone
from PySide6.QtCore import QPoint
from PySide6.QtGui import QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from everlisten.audio_io.chunk import SourceName
from everlisten.engine.events import EngineEvent, EngineState
from everlisten.ui.config import UiConfig
from everlisten.ui.main_window import MainWindow
from everlisten.ui.sounds_page import SoundsPage

MIC, SYSTEM = SourceName.MIC, SourceName.SYSTEM
NO_BIG_MODEL = "The assistant needs the big model: choose it in the settings under Model."
_TALK = (
    (MIC, "Good morning everyone, shall we begin with the release?", ""),
    (
        SYSTEM,
        "Bonjour ! Oui, la version est prête depuis hier soir, il ne reste que les notes.",
        "Hello! Yes, the release has been ready since last night, only the notes are missing.",
    ),
    (
        SYSTEM,
        "J'ai aussi corrigé le problème du micro muet.",
        "I have also fixed the problem with the muted microphone.",
    ),
    (
        MIC,
        "Great. I tested it on the old laptop this morning: captions came about a second behind, "
        "and the processor stayed cool.",
        "",
    ),
    (
        SYSTEM,
        "Das freut mich. Wie viel Speicher hat es gebraucht?",
        "I am glad to hear that. How much memory did it take?",
    ),
    (MIC, "Four hundred megabytes, all day long.", ""),
)


def talk(both: bool = True, translated: bool = True) -> list[EngineEvent]:
    """A conversation with a sentence that is still being spoken."""
    events: list[EngineEvent] = [doubles.began()]
    for at, (source, text, english) in enumerate(_TALK):
        source = source if both else MIC
        start = 4.0 + 7.5 * at
        if english and not translated:
            text = english
        events.append(doubles.final(f"c{at}", text, source=source, start_s=start, end_s=start + 5))
        if english and translated:
            events.append(doubles.translation(f"c{at}", english))
    events.append(doubles.alert(label="Doorbell", severity="notice", advice="", start_s=50.0))
    last = SYSTEM if both else MIC
    events.append(
        doubles.partial(
            "live",
            "Sehr gut, dann können wir heute",
            " noch veröffentlichen",
            source=last,
            start_s=54.0,
        )
        if translated
        else doubles.partial(
            "live", "Very good, then we can publish it", " still today I", source=last, start_s=54.0
        )
    )
    if translated:
        events.append(doubles.translating("live", "Very good, then we can", " publish today"))
    return events


class Scene:
    """A window in a certain state."""

    def __init__(self, config: UiConfig, size: tuple[int, int] = (920, 680)) -> None:
        self.listening = doubles.ScriptedListening()
        self.history = doubles.ScriptedHistory()
        self.settings = doubles.ScriptedSettings(config)
        self.assistance = doubles.ScriptedAssistance(NO_BIG_MODEL)
        self.alerting = doubles.ScriptedAlerting()
        fill_history(self.history)
        self.window = MainWindow(
            self.listening,
            self.history,
            self.settings,
            config,
            self.assistance,
            doubles.ScriptedFileTasks(),
            self.alerting.parts,
        )
        self.window.resize(*size)
        self.window.show()
        self.rest()

    def rest(self, ms: int = 50) -> None:
        """Let the window do what is due."""
        QTest.qWait(ms)

    def listen(self, events: list[EngineEvent], both: bool = False) -> None:
        """Listening, with these events."""
        if both:
            self.listening.chosen = doubles.SourceSelection(mode="both")
        sources = [doubles.reading(MIC)]
        if both:
            sources.append(doubles.reading(SYSTEM, level_db=-31.0, peak_db=-19.0))
        self.listening.reading = doubles.healthy(*sources)
        self.listening.now = EngineState.LISTENING
        self.listening.queue += events
        self.window.header.refresh()
        self.rest(100)

    def picture(self, *floating: QWidget | None) -> QImage:
        """The window, with popovers where they stand on the screen."""
        image = self.window.grab().toImage()
        painter = QPainter(image)
        origin = self.window.mapToGlobal(QPoint(0, 0))
        for one in floating:
            if one is not None:
                painter.drawPixmap(one.mapToGlobal(QPoint(0, 0)) - origin, one.grab())
        painter.end()
        return image

    def end(self) -> None:
        """Take the window down."""
        self.window.shut_down()
        self.window.deleteLater()
        self.rest(20)


def fill_history(history: doubles.ScriptedHistory) -> None:
    """A few sessions of the last days."""
    now = doubles.datetime.now().astimezone().replace(hour=9, minute=30)
    days = [now - doubles.timedelta(days=d, hours=d % 3) for d in (0, 0, 1, 3, 8, 40)]
    titles = (
        "Tuesday stand-up",
        "Physics lecture: thermodynamics, part 4 of 12, second half",
        "Call with Grandma",
        "Radio Ljubljana",
        "",
        "Interview with Dr Nakamura",
    )
    for at, (title, day) in enumerate(zip(titles, days, strict=True)):
        history.add(
            f"h{at}",
            title,
            talk()[1:-2],
            started_at=day,
            length_s=900.0 * (at + 1) + 12,
            recovered=at == 2,
        )


def first_start(config: UiConfig) -> Scene:
    return Scene(config)


def quiet(config: UiConfig) -> Scene:
    scene = Scene(config)
    scene.listen([])
    return scene


def captions(config: UiConfig) -> Scene:
    scene = Scene(config)
    scene.listen(talk(both=False, translated=False))
    return scene


def both(config: UiConfig) -> Scene:
    scene = Scene(config, (1120, 700))
    scene.listening.into = "en"
    scene.listen(talk(), both=True)
    return scene


def assistant(config: UiConfig, size: tuple[int, int] = (920, 680)) -> Scene:
    """The big model captions, warns and answers."""
    scene = Scene(config, size)
    scene.assistance.now = doubles.replace(scene.assistance.now, why_not="")
    scene.assistance.own = ["Tell me when the washing machine has finished."]
    scene.listening.every_target = True
    scene.listening.into = "de"
    scene.listen(
        [
            doubles.began(),
            doubles.final("c1", "I will put the soup on and be right back.", start_s=3.0),
            doubles.translation("c1", "Ich stelle die Suppe auf und bin gleich zurück."),
            doubles.alert(
                id="u1",
                label="Everlisten warns",
                advice="What was heard may need you now. The reply says what it is.",
                start_s=31.0,
            ),
            doubles.reply("r1", "A smoke alarm has begun to beep nearby. Look at the stove first."),
            doubles.question("q1", "How long has it been beeping?"),
            doubles.replying("r2", "For about twelve seconds, in groups of"),
            doubles.decided(0.03, "captions"),
            doubles.decided(0.71),
        ]
    )
    scene.listening.reading = doubles.replace(
        scene.listening.reading, model="Audio-Interaction", memory_mb=9_120.0, load=0.03
    )
    scene.rest(100)
    return scene


def loading(config: UiConfig) -> Scene:
    """The embedded model captions while the big one is being prepared."""
    scene = captions(config)
    scene.listening.reading = doubles.replace(
        scene.listening.reading, note="The big model is being compiled: 40 %"
    )
    scene.rest(600)
    return scene


def problem(config: UiConfig) -> Scene:
    scene = Scene(config)
    scene.listen(talk(both=False, translated=False))
    scene.listening.reading = doubles.healthy(
        doubles.reading(
            condition="silent",
            level_db=-120,
            peak_db=-120,
            sentence="Built-in Microphone gives only silence: muted?",
        )
    )
    scene.listening.queue.append(doubles.alert(start_s=60.0))
    scene.window.banner.tell("The disk is full: nothing more is saved until there is room.")
    scene.rest(100)
    return scene


def alerts(config: UiConfig, size: tuple[int, int] = (920, 720), level: int = 0) -> Scene:
    """A smoke alarm goes on while others wait for an answer."""
    scene = Scene(config, size)
    scene.window.safety.hide()
    open_now = [
        doubles.alert(
            id="smoke",
            advice="Check for fire; leave if you see smoke; call the emergency number.",
            why="Heard the three-pulse pattern of a smoke alarm four times, 93 % sure; "
            "next was appliance beep with 4 %.",
            start_s=58.0,
            end_s=71.6,
            ongoing=True,
            level=level,
        ),
        doubles.alert(
            id="baby",
            sound="baby_crying",
            label="Baby crying",
            severity="warning",
            advice="Look after the child.",
            confidence=0.81,
            why="Heard crying in 5 of 6 pieces, 81 % sure.",
            start_s=40.0,
            end_s=52.0,
        ),
        doubles.alert(
            id="bell",
            sound="doorbell",
            label="Doorbell",
            severity="notice",
            advice="Someone is at the door.",
            confidence=0.77,
            start_s=30.0,
            end_s=31.2,
        ),
        doubles.alert(
            id="dog",
            sound="dog_barking",
            label="Dog barking",
            severity="notice",
            advice="",
            confidence=0.9,
            start_s=20.0,
            end_s=24.0,
        ),
    ]
    scene.alerting.show(*open_now)
    scene.alerting.kept["bell"] = Path("/clips/bell.flac")
    scene.listen(
        [
            doubles.began(),
            doubles.final("c1", "I will put the soup on and be right back.", start_s=3.0),
            doubles.sound("s1", "music", start_s=8.0, end_s=15.0),
            doubles.sound("s2", "laughter", start_s=16.0, end_s=17.0),
            open_now[3],
            doubles.acknowledged("dog"),
            doubles.final("c2", "The dog again. Is somebody there?", start_s=25.0),
            open_now[2],
            doubles.sound("s3", "door", start_s=35.0, end_s=35.4),
            doubles.sound("s4", "footsteps", start_s=36.0, end_s=39.0),
            open_now[1],
            open_now[0],
        ]
    )
    if len(scene.alerting.now.open) and config.always_show_times:
        scene.alerting.parts.alerts.acknowledge_all()
        scene.window.live.model.expand(
            scene.window.live.model.row(scene.window.live.model.rowCount() - 1)
        )
        scene.rest(100)
    for card in scene.window.alerts.banner.cards if scene.window.alerts else ():
        card._pulse.stop()
    return scene


def deaf(config: UiConfig) -> Scene:
    """Alerts do not work, and the window says so."""
    scene = Scene(config)
    scene.alerting.now = doubles.replace(
        scene.alerting.now,
        working=False,
        problem="Alerts are not working: the microphone is gone. Plug it in or choose another one.",
    )
    scene.listen(talk(both=False, translated=False))
    return scene


def history(config: UiConfig) -> Scene:
    scene = Scene(config, (980, 680))
    scene.window.show_history()
    scene.rest(100)
    scene.window.history_page.list.setCurrentIndex(scene.window.history_page.model.index(2, 0))
    scene.rest(100)
    return scene


def search(config: UiConfig) -> Scene:
    scene = Scene(config, (980, 680))
    scene.window.show_history()
    scene.window.history_page.search.setText("memory")
    scene.rest(350)
    scene.window.history_page.list.setCurrentIndex(scene.window.history_page.model.index(0, 0))
    scene.rest(100)
    return scene


def scrolled(config: UiConfig) -> Scene:
    scene = Scene(config, (760, 520))
    many = [
        doubles.final(
            f"m{at}", f"Sentence number {at}, said in passing and kept.", start_s=3.0 * at
        )
        for at in range(80)
    ]
    scene.listen([doubles.began(), *many])
    scene.window.live.view.verticalScrollBar().setValue(900)
    scene.listening.queue += [doubles.final(f"n{at}", "And another.") for at in range(3)]
    scene.rest(80)
    return scene


def narrow(config: UiConfig) -> Scene:
    scene = Scene(config, (360, 680))
    scene.listening.into = "en"
    scene.listen(talk(), both=True)
    return scene


def scripts(config: UiConfig) -> Scene:
    scene = Scene(config, (820, 620))
    scene.listening.into = "en"
    rows = [
        (
            "مرحبا بكم في الاجتماع، سنبدأ بعد خمس دقائق مع النسخة 2.0 من البرنامج.",
            "Welcome to the meeting, we begin in five minutes with version 2.0 of the program.",
        ),
        (
            "会議は三時に始まります。資料は昨日送りましたので、先に読んでおいてください。",
            "The meeting starts at three. I sent the papers yesterday, please read them first.",
        ),
        (
            "大家好，今天我们讨论语音识别的延迟问题，以及如何在普通电脑上运行。",  # noqa: RUF001
            "Hello everyone, today we discuss the latency of speech recognition.",
        ),
        (
            "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2,
            "A very long word.",
        ),
        ("안녕하세요, 오늘 회의를 시작하겠습니다.", "Hello, let us begin today's meeting."),
    ]
    events: list[EngineEvent] = [doubles.began()]
    for at, (text, english) in enumerate(rows):
        events += [
            doubles.final(f"r{at}", text, start_s=at * 6.0),
            doubles.translation(f"r{at}", english),
        ]
    scene.listen(events)
    return scene


def settings(config: UiConfig) -> Scene:
    scene = Scene(config)
    scene.window.show_settings()
    scene.rest()
    return scene


def _with(make: Callable[[UiConfig], Scene], **config: object) -> Callable[[], QImage]:
    def render() -> QImage:
        scene = make(UiConfig(**config))  # type: ignore[arg-type]
        image = scene.picture()
        scene.end()
        return image

    return render


def _settings(theme: str) -> Callable[[], QImage]:
    def render() -> QImage:
        scene = settings(UiConfig(theme=theme))
        dialog = scene.window.settings_dialog
        assert dialog is not None
        image = dialog.grab().toImage()
        scene.end()
        return image

    return render


def _sounds(theme: str, part: int, size: tuple[int, int] = (760, 720)) -> Callable[[], QImage]:
    def render() -> QImage:
        scene = settings(UiConfig(theme=theme))
        dialog = scene.window.settings_dialog
        assert dialog is not None
        dialog.show_page("Sounds")
        dialog.resize(*size)
        page = scene.window.findChild(SoundsPage)
        page.show_part(part)
        if part == 2:
            page.quiet.switch.setChecked(True)
        scene.rest(100)
        image = dialog.grab().toImage()
        scene.end()
        return image

    return render


def _teaching(theme: str, stage: str, size: tuple[int, int] = (560, 640)) -> Callable[[], QImage]:
    def render() -> QImage:
        scene = settings(UiConfig(theme=theme))
        page = scene.window.findChild(SoundsPage)
        page.own.open_dialog()
        dialog = page.own.dialog
        dialog.resize(*size)
        dialog.name.setText("Our washing machine")
        for at, origin in enumerate(("recorded", "just heard", "melody at night.flac")):
            dialog.examples.add(tone(1.4 + 0.5 * at, at_s=0.2, for_s=0.8 + 0.4 * at), origin)
        shown: QWidget = dialog
        if stage == "recording":
            dialog.examples.recorder.toggle()
        elif stage == "recent":
            scene.alerting.heard = tone(30.0, at_s=11.0, for_s=1.8)
            dialog.examples.open_recent()
            assert dialog.examples.recent is not None
            shown = dialog.examples.recent
            shown.resize(560, 280)
        elif stage == "learning":
            dialog.pages.setCurrentIndex(1)
            dialog.learning.setText("Learning “Our washing machine”")
            dialog.progress.setValue(40)
        elif stage == "result":
            dialog.teach.click()
            scene.rest(100)
        scene.rest(100)
        image = shown.grab().toImage()
        dialog.reject()
        scene.end()
        return image

    return render


def _popover(kind: str, theme: str) -> Callable[[], QImage]:
    def render() -> QImage:
        scene = both(UiConfig(theme=theme))
        window = scene.window
        opened: QWidget | None = None
        if kind == "sources":
            window.header.sources.open_popover()
            opened = window.header.sources.popover
        elif kind == "health":
            window.health.open_details()
            opened = window.health.popover
        else:
            window.header.target.open_list()
            opened = window.header.target.popover
        scene.rest()
        assert opened is not None
        image = scene.picture(opened)
        opened.close()
        scene.end()
        return image

    return render


def _assistant_popover(theme: str, able: bool = True) -> Callable[[], QImage]:
    def render() -> QImage:
        scene = assistant(UiConfig(theme=theme)) if able else captions(UiConfig(theme=theme))
        bar = scene.window.assistant
        bar.open_popover()
        scene.rest()
        assert bar.popover is not None
        image = scene.picture(bar.popover)
        bar.popover.close()
        scene.end()
        return image

    return render


def _file_task(theme: str, done: bool) -> Callable[[], QImage]:
    def render() -> QImage:
        scene = assistant(UiConfig(theme=theme))
        scene.window.offer_file(Path("/music/interview with Dr Nakamura.flac"))
        dialog = scene.window.task_dialog
        assert dialog is not None
        dialog.translate.setChecked(True)
        if done:
            dialog.start.click()
            dialog.show_text("Sehr geehrte Damen und Herren, ich freue mich, hier zu sein. " * 4)
        scene.rest()
        image = dialog.grab().toImage()
        dialog.close()
        scene.end()
        return image

    return render


def narrow_history(config: UiConfig) -> Scene:
    scene = Scene(config, (360, 640))
    scene.window.show_history()
    scene.rest(100)
    return scene


SCENES: dict[str, Callable[[], QImage]] = {
    "first-start": _with(first_start, theme="light"),
    "first-start-dark": _with(first_start, theme="dark"),
    "quiet": _with(quiet, theme="light"),
    "captions-light": _with(captions, theme="light"),
    "captions-dark": _with(captions, theme="dark"),
    "both-under": _with(both, theme="light"),
    "both-beside": _with(both, theme="light", translation_placement="beside"),
    "both-beside-dark": _with(both, theme="dark", translation_placement="beside"),
    "assistant": _with(assistant, theme="light"),
    "assistant-dark": _with(assistant, theme="dark"),
    "assistant-narrow": _with(lambda config: assistant(config, (360, 640)), theme="light"),
    "assistant-popover": _assistant_popover("light"),
    "assistant-popover-dark": _assistant_popover("dark"),
    "assistant-popover-embedded": _assistant_popover("light", able=False),
    "loading": _with(loading, theme="light"),
    "file-task": _file_task("light", done=False),
    "file-task-dark": _file_task("dark", done=True),
    "alerts": _with(alerts, theme="light"),
    "alerts-dark": _with(alerts, theme="dark"),
    "alerts-again": _with(lambda config: alerts(config, level=2), theme="light"),
    "alerts-again-dark": _with(lambda config: alerts(config, level=1), theme="dark"),
    "alerts-past": _with(alerts, theme="light", always_show_times=True),
    "alerts-past-dark": _with(alerts, theme="dark", always_show_times=True),
    "alerts-narrow": _with(lambda config: alerts(config, (360, 700)), theme="light"),
    "alerts-broken": _with(deaf, theme="light"),
    "alerts-broken-dark": _with(deaf, theme="dark"),
    "problem": _with(problem, theme="light"),
    "problem-dark": _with(problem, theme="dark"),
    "history": _with(history, theme="light"),
    "history-dark": _with(history, theme="dark"),
    "history-narrow": _with(narrow_history, theme="light"),
    "search": _with(search, theme="light"),
    "scrolled": _with(scrolled, theme="light"),
    "narrow": _with(narrow, theme="light"),
    "narrow-dark": _with(narrow, theme="dark"),
    "scripts": _with(scripts, theme="light", always_show_times=True),
    "settings": _settings("light"),
    "settings-dark": _settings("dark"),
    "sounds": _sounds("light", 0),
    "sounds-dark": _sounds("dark", 0),
    "sounds-narrow": _sounds("light", 0, (345, 640)),
    "sounds-own": _sounds("light", 1, (760, 480)),
    "sounds-own-dark": _sounds("dark", 1, (345, 560)),
    "sounds-delivery": _sounds("light", 2, (760, 900)),
    "sounds-delivery-dark": _sounds("dark", 2, (760, 900)),
    "teach": _teaching("light", "recording"),
    "teach-dark": _teaching("dark", "examples"),
    "teach-narrow": _teaching("light", "examples", (340, 640)),
    "teach-recent": _teaching("light", "recent"),
    "teach-recent-dark": _teaching("dark", "recent"),
    "teach-learning": _teaching("light", "learning"),
    "teach-result": _teaching("light", "result"),
    "teach-result-dark": _teaching("dark", "result"),
    "sources": _popover("sources", "light"),
    "sources-dark": _popover("sources", "dark"),
    "health": _popover("health", "light"),
    "target": _popover("target", "light"),
}


def main() -> None:
    """Render the scenes that are named, or all of them."""
    from everlisten.ui.application import create_application

    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    application = create_application(sys.argv[:1], UiConfig())
    for name in sys.argv[2:] or SCENES:
        SCENES[name]().save(str(folder / f"{name}.png"))
    assert isinstance(application, QApplication)


if __name__ == "__main__":
    main()
