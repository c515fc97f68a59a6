"""The window: puts the parts together and passes on what the user wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QHideEvent,
    QKeySequence,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from everlisten.engine.events import (
    CaptionFinal,
    EngineEvent,
    EngineFailed,
    EngineState,
    EngineStateChanged,
    SessionEnded,
    SessionStarted,
)
from everlisten.ui.alert_desk import AlertDesk
from everlisten.ui.alert_words import alerts_trouble
from everlisten.ui.alerting import Alerting
from everlisten.ui.assistant_bar import AssistantBar
from everlisten.ui.banner import Banner
from everlisten.ui.bridge import Bridge
from everlisten.ui.config import LARGEST_CAPTION_PT, SMALLEST_CAPTION_PT, UiConfig
from everlisten.ui.file_task_dialog import FileTaskDialog
from everlisten.ui.file_work import FileWork
from everlisten.ui.header import COMMANDS, START, Header
from everlisten.ui.health_facts import problem
from everlisten.ui.health_line import HealthLine
from everlisten.ui.history_list import cut_off_sentence
from everlisten.ui.history_page import HistoryPage
from everlisten.ui.history_worker import HistoryWorker
from everlisten.ui.live_page import LivePage
from everlisten.ui.motion import motion_reduced
from everlisten.ui.protocols import (
    Assistance,
    FileTasks,
    HealthReading,
    History,
    Listening,
    SessionInfo,
    Settings,
)
from everlisten.ui.safety_note import SafetyNote
from everlisten.ui.settings_dialog import SettingsDialog
from everlisten.ui.settings_opener import SettingsOpener
from everlisten.ui.sounds_page import PAGE as SOUNDS_PAGE
from everlisten.ui.theme import Theme
from everlisten.ui.tray import Tray
from everlisten.ui.window_place import SMALLEST_PX, place, place_of

LEAST_PAGE_PX = 96
"""Alerts take their room from the captions, down to this."""


class MainWindow(QMainWindow):
    """Live captions and history under one header; owns bridge, worker, tray and theme."""

    closing = Signal()
    """The user quits: emitted once, before the application's event loop ends."""

    def __init__(
        self,
        listening: Listening,
        history: History,
        settings: Settings,
        config: UiConfig,
        assistance: Assistance,
        file_tasks: FileTasks,
        alerting: Alerting | None = None,
    ) -> None:
        super().__init__()
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        self._listening = listening
        self._history = history
        self._settings = settings
        self._config = config
        self._assistance = assistance
        self._able = False
        self._state = EngineState.STOPPED
        self._reading = HealthReading()
        self._trouble = ""
        self._ended = False
        self.theme = Theme(application, config.theme)
        self.theme.setParent(self)
        self.worker = HistoryWorker(self)
        self.bridge = Bridge(listening, self)
        self.tray = Tray(self)
        self.files = FileWork(self, listening, assistance, file_tasks)
        self.header = Header(self.theme, listening)
        self.banner = Banner(self.theme)
        self.safety = SafetyNote(self.theme, settings)
        self.alerts: AlertDesk | None = None
        if alerting is not None:
            self.alerts = AlertDesk(self, self.theme, alerting, self.tray, self._still)
        pages = {} if self.alerts is None else {SOUNDS_PAGE: self.alerts.page}
        self._opener = SettingsOpener(self, settings, pages)
        self.live = LivePage(self.theme, config)
        self.history_page = HistoryPage(self.theme, history, self.worker, config)
        self.assistant = AssistantBar(self.theme, assistance)
        self.health = HealthLine(self.theme)
        self._pages = QStackedWidget()
        self._lay_out()
        self._connect()
        self._add_actions()
        place(self, config.geometry)
        if alerting is not None:
            self.safety.open()
        self.bridge.start()
        self.worker.submit(history.recovered, self._tell_recovered)

    def _lay_out(self) -> None:
        self.setWindowTitle("Everlisten")
        self.setMinimumSize(*SMALLEST_PX)
        self.setAcceptDrops(True)
        self._pages.setObjectName("pages")
        self._pages.setMinimumHeight(LEAST_PAGE_PX)
        self._pages.addWidget(self.live)
        self._pages.addWidget(self.history_page)
        footer = QFrame()
        footer.setObjectName("footer")
        below = QVBoxLayout(footer)
        below.setContentsMargins(0, 1, 0, 0)
        below.addWidget(self.health)
        center = QWidget()
        column = QVBoxLayout(center)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        if self.alerts is not None:
            column.addWidget(self.alerts.banner)
        column.addWidget(self.banner)
        column.addWidget(self.safety)
        column.addWidget(self._pages, 1)
        column.addWidget(self.assistant)
        column.addWidget(footer)
        self.setCentralWidget(center)
        self.live.empty.setFocus()

    def _connect(self) -> None:
        self.bridge.events.connect(self._on_events)
        self.bridge.state.connect(self._on_state)
        self.bridge.health.connect(self._on_health)
        if self.alerts is not None:
            self.bridge.ticked.connect(self.alerts.tick)
            self.alerts.read.connect(self.health.show_alerts)
            self.alerts.read.connect(lambda _: self._show_condition())
            self.alerts.told.connect(self.banner.tell)
            self.alerts.watch(self.live.view)
            self.alerts.watch(self.history_page.pane.view)
        self.worker.failed.connect(self.banner.tell)
        self._pages.currentChanged.connect(lambda at: self.assistant.setVisible(at == 0))
        self.header.toggled.connect(self.toggle_listening)
        self.header.new_session.clicked.connect(self.new_session)
        self.header.open_file.clicked.connect(self.files.ask)
        self.files.caption_wanted.connect(self.open_file)
        self.files.told.connect(self.banner.tell)
        self.header.history.clicked.connect(self._toggle_history)
        self.header.settings.clicked.connect(self.show_settings)
        self.header.sources.changed.connect(self.bridge.refresh)
        self.header.sources.file_left.connect(self.new_session)
        self._opener.changed.connect(lambda: self.apply_config(self._settings.window()))
        self.history_page.closed.connect(self.show_live)
        self.history_page.told.connect(self.banner.tell)
        self.tray.toggled.connect(self.toggle_listening)
        self.tray.window_wanted.connect(self.come_to_front)
        self.tray.quit_wanted.connect(self.quit)

    def _add_actions(self) -> None:
        for text, keys, called in (
            ("Search the history", "Ctrl+F", self.show_history),
            ("Larger captions", "Ctrl++", lambda: self._resize_captions(1)),
            ("Larger captions", "Ctrl+=", lambda: self._resize_captions(1)),
            ("Smaller captions", "Ctrl+-", lambda: self._resize_captions(-1)),
            ("Close the window", "Ctrl+W", self.close),
            ("Quit", "Ctrl+Q", self.quit),
        ):
            action = QAction(text, self)
            action.setShortcut(QKeySequence(keys))
            action.triggered.connect(called)
            self.addAction(action)

    # What the bridge brings

    def _on_events(self, events: Sequence[EngineEvent]) -> None:
        self.live.apply(events)
        self.assistant.take(events)
        if self.alerts is not None:
            self.alerts.take(events)
        for event in events:
            if isinstance(event, EngineFailed) and event.text:
                self.banner.tell(event.text)
            elif isinstance(event, EngineStateChanged) and event.reason:
                failed = event.state is EngineState.FAILED
                self.banner.tell(event.reason, "error" if failed else "info")
            elif isinstance(event, (SessionStarted, SessionEnded)):
                if self.history_page.isVisible():
                    self.history_page.refresh()
            elif isinstance(event, CaptionFinal):
                self.tray.show_sentence(event.text)

    def _on_state(self, state: EngineState) -> None:
        self._state = state
        self.header.show_state(state)
        self.header.refresh()
        self.health.show_state(state)
        self._show_condition()

    def _on_health(self, reading: HealthReading) -> None:
        self._reading = reading
        self.health.show_reading(reading)
        self.live.model.expect(one.source for one in reading.sources)
        self._show_condition()
        self._show_assistance()
        if self.isVisible():
            self.header.sources.show_reading(reading)

    def _show_assistance(self) -> None:
        self.assistant.refresh()
        able = not self._assistance.reading().why_not
        if able != self._able:
            # The big model came or went: other languages can be translated into.
            self._able = able
            self.header.refresh()

    def _show_condition(self) -> None:
        trouble = problem(self._state, self._reading)
        reading = self.alerts.reading if self.alerts is not None else None
        shown = trouble or alerts_trouble(reading)
        self.tray.show_state(self._state, shown, COMMANDS.get(self._state, START))
        if self.live.empty.isVisibleTo(self):
            self.live.empty.show_reading(self._state, self._reading)
        if trouble and trouble != self._trouble and not self.bridge.watched:
            if self._config.notify_problems:
                self.tray.notify(trouble)
        self._trouble = trouble

    def _tell_recovered(self, sessions: Sequence[SessionInfo]) -> None:
        if not sessions:
            return
        self.banner.tell(
            cut_off_sentence(sessions),
            "info",
            "&Show it",
            lambda: self.show_history(session=sessions[0].id),
        )

    def _still(self) -> bool:
        return motion_reduced(self._config)

    # What the user wants

    def toggle_listening(self) -> None:
        """Start, pause or resume."""
        if self._state is EngineState.LISTENING:
            self._listening.pause()
        elif self._state not in (EngineState.LOADING, EngineState.STOPPING):
            self._listening.start()
        self.bridge.refresh()

    def new_session(self) -> None:
        """End this session and begin another."""
        self._listening.new_session()
        self.show_live()
        self.bridge.refresh()

    def offer_file(self, path: Path) -> None:
        """Ask what to do with a file, where there is a choice, and do it."""
        self.files.offer(path)

    @property
    def task_dialog(self) -> FileTaskDialog | None:
        """The dialog of a file while it is open."""
        return self.files.dialog

    def open_file(self, path: Path) -> None:
        """Caption a file."""
        self._listening.open_file(path)
        self.show_live()
        self.bridge.refresh()

    def show_live(self) -> None:
        """Show the live captions."""
        self.header.history.setChecked(False)
        self._pages.setCurrentWidget(self.live)

    def show_history(self, *_: object, session: str = "") -> None:
        """Show the history, with a session if one is named."""
        self.header.history.setChecked(True)
        self._pages.setCurrentWidget(self.history_page)
        self.history_page.open(session)

    def _toggle_history(self, checked: bool) -> None:
        if checked:
            self.show_history()
        else:
            self.show_live()

    def show_settings(self) -> None:
        """Open the settings, or bring them to the front."""
        self._opener.open()

    @property
    def settings_dialog(self) -> SettingsDialog | None:
        """The settings window while it is open."""
        return self._opener.dialog

    def apply_config(self, config: UiConfig) -> None:
        """Use other window settings at once."""
        if config == self._config:
            return
        self._config = config
        self.theme.choose(config.theme)
        self.live.view.set_config(config)
        self.history_page.set_config(config)

    def _resize_captions(self, step: int) -> None:
        size = self._config.caption_font_pt + step
        if SMALLEST_CAPTION_PT <= size <= LARGEST_CAPTION_PT:
            refusal = self._settings.change("ui.caption_font_pt", size)
            if refusal:
                self.banner.tell(refusal, "warning")
            else:
                self.apply_config(replace(self._config, caption_font_pt=size))

    # Showing, hiding, ending

    def come_to_front(self) -> None:
        """Show the window, also after it was closed to the tray or minimised."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._watch()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._watch()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange:
            self._watch()

    def _watch(self) -> None:
        self.bridge.watched = self.isVisible() and not self.isMinimized()
        if self.bridge.watched and not self._ended:
            self.bridge.refresh()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            self.offer_file(Path(paths[0]))

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._config.close_to_tray and self.tray.available and not self._ended:
            event.ignore()
            self._save_geometry()
            self.hide()
            return
        event.accept()
        self.quit()

    def quit(self) -> None:
        """End the window's own work and the event loop."""
        self.shut_down()
        QApplication.quit()

    def shut_down(self) -> None:
        """Stop timers and threads; further calls do nothing."""
        if self._ended:
            return
        self._save_geometry()
        self._ended = True
        self.closing.emit()
        self.bridge.stop()
        self.history_page.close_page()
        self._opener.close()
        self.files.close_dialog()
        if self.alerts is not None:
            self.alerts.close()
        self.assistant.close_bar()
        self.worker.close()
        self.files.close()
        self.tray.close()
        self.hide()

    def _save_geometry(self) -> None:
        kept = place_of(self)
        if kept != self._config.geometry and not self._ended:
            self._config = replace(self._config, geometry=kept)
            self._settings.change("ui.geometry", kept)
