"""Devices, levels and gains of both sources."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from everlisten.audio_io.chunk import SourceName
from everlisten.ui.controls import ElidedComboBox
from everlisten.ui.health_facts import AWAY, SOURCE_TITLES, sentence_of
from everlisten.ui.level_meter import LevelMeter, gain, level_and_peak
from everlisten.ui.popover import Popover
from everlisten.ui.protocols import (
    DEFAULT_DEVICE,
    DeviceChoice,
    DeviceChoices,
    HealthReading,
    Listening,
    SourceReading,
)
from everlisten.ui.theme import Theme

SMALLEST_GAIN_DB = -20
LARGEST_GAIN_DB = 30


class SourcePopover(Popover):
    """One panel for each source; a panel whose source is not in use says so."""

    chosen = Signal()
    """The user chose another device."""

    def __init__(self, parent: QWidget, theme: Theme, listening: Listening) -> None:
        super().__init__(parent, "Devices and levels")
        self._listening = listening
        self._devices = DeviceChoices()
        self.panels = {
            name: SourcePanel(theme, name) for name in (SourceName.MIC, SourceName.SYSTEM)
        }
        for name, panel in self.panels.items():
            self.content.addWidget(panel)
            panel.device_chosen.connect(lambda id, name=name: self._choose_device(name, id))
            panel.gain_chosen.connect(lambda gain_db, name=name: listening.set_gain(name, gain_db))
        self.setFixedWidth(352)

    def refresh_devices(self) -> None:
        """Fill the device boxes again if a device came or went."""
        if self._listening.devices() != self._devices:
            self.refresh()

    def refresh(self) -> None:
        """Fill the device boxes."""
        devices, selection = self._listening.devices(), self._listening.selection()
        self._devices = devices
        self.panels[SourceName.MIC].offer(
            devices.microphones, selection.microphone, selection.mode != "system", ""
        )
        self.panels[SourceName.SYSTEM].offer(
            devices.systems, selection.system, selection.mode != "mic", devices.system_hint
        )

    def show_reading(self, reading: HealthReading) -> None:
        """Move the meters."""
        heard = {one.source: one for one in reading.sources}
        for name, panel in self.panels.items():
            panel.show_reading(heard.get(name))

    def _choose_device(self, name: SourceName, id: str) -> None:
        selection = self._listening.selection()
        if name is SourceName.MIC:
            self._listening.select(replace(selection, microphone=id))
        else:
            self._listening.select(replace(selection, system=id))
        self.chosen.emit()


class SourcePanel(QFrame):
    """Device box, meter with scale, gain."""

    device_chosen = Signal(str)
    gain_chosen = Signal(float)

    def __init__(self, theme: Theme, name: SourceName) -> None:
        super().__init__()
        self._theme = theme
        self._used = True
        self._hint = ""
        title = SOURCE_TITLES[name]
        self.setObjectName("card")
        self._heading = QLabel(title)
        self._heading.setProperty("role", "heading")
        self._level = QLabel()
        self._level.setProperty("role", "secondary")
        self.device = ElidedComboBox()
        self.device.setAccessibleName(f"Device: {title}")
        self.device.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.device.activated.connect(self._device_activated)
        self.meter = LevelMeter(theme, f"Level: {title}", scale=True)
        self.gain = QSlider(Qt.Orientation.Horizontal)
        self.gain.setRange(SMALLEST_GAIN_DB, LARGEST_GAIN_DB)
        self.gain.setPageStep(3)
        self.gain.setAccessibleName(f"Gain: {title}")
        self.gain.setAccessibleDescription("Makes this source louder or quieter for Everlisten.")
        self.gain.valueChanged.connect(self._gain_moved)
        self._gain_text = QLabel()
        self._gain_text.setProperty("role", "secondary")
        self._reset = QToolButton()
        self._reset.setProperty("role", "icon")
        self._reset.setText("Reset")
        self._reset.setAccessibleName(f"Reset gain: {title}")
        self._reset.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._reset.clicked.connect(lambda: self.gain.setValue(0))
        self._sentence = QLabel()
        self._sentence.setWordWrap(True)
        self._sentence.setProperty("role", "secondary")
        self._lay_out()
        self._gain_label(0)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 12)
        column.setSpacing(8)
        head = QHBoxLayout()
        head.addWidget(self._heading)
        head.addStretch()
        head.addWidget(self._level)
        column.addLayout(head)
        column.addWidget(self.device)
        column.addWidget(self.meter)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        label = QLabel("Gain")
        label.setProperty("role", "secondary")
        label.setBuddy(self.gain)
        grid.addWidget(label, 0, 0)
        grid.addWidget(self.gain, 0, 1)
        grid.addWidget(self._gain_text, 0, 2)
        grid.addWidget(self._reset, 0, 3)
        self._gain_text.setMinimumWidth(self.fontMetrics().horizontalAdvance("+30 dB"))
        column.addLayout(grid)
        column.addWidget(self._sentence)
        self._sentence.hide()

    def offer(self, devices: tuple[DeviceChoice, ...], chosen: str, used: bool, hint: str) -> None:
        """Show the devices; a chosen one that is away stays chosen and says so."""
        default = next((one.name for one in devices if one.is_default), "")
        blocker = QSignalBlocker(self.device)
        self.device.clear()
        self.device.addItem(f"Default: {default}" if default else "System default", DEFAULT_DEVICE)
        for one in devices:
            self.device.addItem(one.name, one.id)
            if one.hint:
                self.device.setItemData(
                    self.device.count() - 1, one.hint, Qt.ItemDataRole.ToolTipRole
                )
        at = self.device.findData(chosen)
        if at < 0:
            self.device.addItem(f"{chosen} (not connected)", chosen)
            at = self.device.count() - 1
        self.device.setCurrentIndex(at)
        blocker.unblock()
        self._used = used
        hints = [one.hint for one in devices if one.id == chosen and one.hint]
        self._hint = hint or " ".join(hints)
        self._tell(self._hint)

    def show_reading(self, one: SourceReading | None) -> None:
        """Show level and condition; without a reading the source does not listen."""
        self._level.setText(
            level_and_peak(one.level_db, one.peak_db)
            if one and one.condition not in AWAY
            else "not open"
            if self._used
            else "not in use"
        )
        if one is None:
            self.meter.rest()
            return
        self.meter.show_level(one.level_db, one.peak_db)
        if not self.gain.isSliderDown() and not self.gain.hasFocus():
            blocker = QSignalBlocker(self.gain)
            self.gain.setValue(round(one.gain_db))
            blocker.unblock()
            self._gain_label(round(one.gain_db))
        self._tell(sentence_of(one) or self._hint)

    @property
    def level(self) -> str:
        """Level and peak, or why there is none."""
        return self._level.text()

    @property
    def sentence(self) -> str:
        """What is the matter, or how to make this source work."""
        return self._sentence.text()

    def _tell(self, sentence: str) -> None:
        if sentence != self._sentence.text():
            self._sentence.setText(sentence)
            self._sentence.setVisible(bool(sentence))

    def _device_activated(self, at: int) -> None:
        self.device_chosen.emit(self.device.itemData(at))

    def _gain_moved(self, gain_db: int) -> None:
        self._gain_label(gain_db)
        self.gain_chosen.emit(float(gain_db))

    def _gain_label(self, gain_db: int) -> None:
        self._gain_text.setText(gain(gain_db))
        self._reset.setEnabled(gain_db != 0)
