"""What is said about alerts, sounds and their times, in plain words; knows no widgets."""

from __future__ import annotations

from datetime import datetime

from everlisten.engine.events import SoundAlert
from everlisten.ui.alert_protocols import AlertReading

_SEVERITIES = {"emergency": "Emergency", "warning": "Warning", "notice": "Notice"}
_STYLES = {
    "emergency": ("danger", "danger_soft", "error"),
    "warning": ("warning", "warning_soft", "warning"),
}
_SENSITIVITIES = ("Low", "Rather low", "Medium", "Rather high", "High")


def severity_word(severity: str) -> str:
    """Emergency, Warning or Notice."""
    return _SEVERITIES.get(severity, "Notice")


def severity_rank(severity: str) -> int:
    """The gravest is 0."""
    order = tuple(_SEVERITIES)
    return order.index(severity) if severity in order else len(order)


def severity_style(severity: str) -> tuple[str, str, str]:
    """Colour of line and icon, colour of the ground, icon."""
    return _STYLES.get(severity, ("accent", "accent_soft", "bell"))


def length_words(seconds: float) -> str:
    """12 s, 3 min 5 s, 1 h 2 min; less than a second is "a moment"."""
    whole = round(seconds)
    if whole < 1:
        return "a moment"
    minutes, left = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (0 if hours else left, "s")]
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def ago_words(seconds: float | None) -> str:
    """never, just now, 3 min ago, 5 h ago, 2 days ago."""
    if seconds is None:
        return "never"
    if seconds < 45:
        return "just now"
    for unit, length_s in (("min", 60.0), ("h", 3_600.0)):
        count = round(seconds / length_s)
        if count < (60 if unit == "min" else 24):
            return f"{max(1, count)} {unit} ago"
    days = max(1, round(seconds / 86_400))
    return f"{days} day{'s' * (days != 1)} ago"


def sure_words(confidence: float) -> str:
    """94 % sure; never 100, and nothing where it was not measured."""
    return f"{min(99, round(confidence * 100))} % sure" if confidence > 0 else ""


def sensitivity_words(value: float) -> str:
    """Low to High, for 0 to 1."""
    at = min(len(_SENSITIVITIES) - 1, int(max(0.0, value) * len(_SENSITIVITIES)))
    return _SENSITIVITIES[at]


def alert_facts(alert: SoundAlert, began: datetime, now: datetime) -> str:
    """The line below an alert's label: how grave, since when, how long, how sure."""
    long = length_words(alert.end_s - alert.start_s)
    at = began.strftime("%H:%M:%S")
    if alert.ongoing:
        when = f"since {at}, for {long}"
    else:
        passed_s = (now - began).total_seconds() - (alert.end_s - alert.start_s)
        when = f"at {at}, {long} long" + (f", {ago_words(passed_s)}" if passed_s >= 45 else "")
    told = f"told {alert.level + 1} times" if alert.level else ""
    parts = (severity_word(alert.severity), told, when, sure_words(alert.confidence))
    return " \u00b7 ".join(part for part in parts if part)


def spoken_alert(alert: SoundAlert) -> str:
    """What a screen reader says at once."""
    again = "again, " if alert.level else ""
    parts = [f"{severity_word(alert.severity)}, {again}{alert.label}.", alert.advice]
    sure = sure_words(alert.confidence)
    return " ".join(part for part in (*parts, f"{sure}." if sure else "") if part)


def alerts_fact(reading: AlertReading | None) -> str:
    """A few words for the health line; "" where there are no alerts at all."""
    if reading is None:
        return ""
    if not reading.enabled:
        return "alerts off"
    if not reading.working:
        return "alerts not working"
    return "alerts snoozed" if reading.snoozed else "alerts on"


def alerts_trouble(reading: AlertReading | None) -> str:
    """One sentence if alerts are wanted and do not work, else ""."""
    if reading is None or reading.working or not reading.enabled:
        return ""
    return reading.problem or "Alerts are not working."
