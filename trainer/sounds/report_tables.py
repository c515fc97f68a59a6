"""The report of an evaluation as Markdown tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from everlisten.trainer.sounds.proactive_bench import Score

Report = Mapping[str, Any]


def tables(report: Report) -> str:
    """Everything of `alert_report.report_of`, with its head."""
    parts = (_head, _bars, _speaking, _alarms, _sounds, _conditions, _classifier)
    return "\n\n".join(text for part in parts if (text := part(report)))


def _head(report: Report) -> str:
    folds = ", ".join(map(str, report["folds"]))
    streams = report["streams"]
    lines = [
        f"Sound model {report['model']}, fold {folds} of 0-4, seed {report['seed']}.",
        f"Streams for false alarms: {_number(streams['hours'], 2)} h, mixed from"
        f" {_number(streams['unique hours'], 2)} h of {streams['unique files']} files, each heard"
        f" at most {streams['unique most uses']} times, with a new room and gain.",
        *report["warnings"],
    ]
    return "\n".join(lines)


def _bars(report: Report) -> str:
    rows = [
        (bar["what"], bar["bar"], _number(bar["measured"]), "yes" if bar["met"] else "no")
        for bar in report["bars"]
    ]
    return _table(("what", "bar", "measured", "met"), rows)


def _speaking(report: Report) -> str:
    head = ("clips", "alerts / others", "speaks on alerts", "silent on others",
            "balanced accuracy", "accuracy", "right name")  # fmt: skip
    rows = []
    for title, key in (("real", "speaking"), ("synthesised", "speaking, synthesised clips")):
        found = report[key]
        counts = f"{found['alert clips']} / {found['other clips']}"
        figures = ("speak recall", "silent on others", "balanced accuracy", "accuracy",
                   "right name")  # fmt: skip
        rows.append((title, counts, *(_number(found[name]) for name in figures)))
        silent = found["always silent"]
        balanced, accuracy = _number(silent["balanced accuracy"]), _number(silent["accuracy"])
        rows.append((f"{title}, always silent", counts, "0", "1", balanced, accuracy, ""))
    return _table(head, rows)


def _alarms(report: Report) -> str:
    head = ("streams", "hours", "false alarms", "per hour", "of them")
    streams = (
        ("speech, music, home noise", report["streams"]),
        ("other sounds that are no alerts", report["other sounds' streams"]),
        ("speech, music, home noise with events", report["events"]["false alarms"]),
    )
    rows = [
        (title, _number(found["hours"]), found["false alarms"], _number(found["per hour"]),
         ", ".join(f"{name} {count}" for name, count in found["by sound"].items()))
        for title, found in streams
    ]  # fmt: skip
    rows.append(("always silent", "", 0, "0", ""))
    return _table(head, rows)


def _sounds(report: Report) -> str:
    head = ("sound", "recordings", "real clips", "recall", "synthesised", "recall", "precision",
            "events under other sound", "told", "latency p50 / p95 s")  # fmt: skip
    rows = []
    for sound, found in report["sounds"].items():
        event = report["events"]["by sound"].get(sound, {})
        rows.append((
            sound, found["recordings"], found["real"]["clips"], _number(found["real"]["recall"]),
            found["synthesised"]["clips"], _number(found["synthesised"]["recall"]),
            _number(found["precision"]), *_event(event),
        ))  # fmt: skip
    macro = report["macro"]
    rows.append((f"macro over {macro['sounds']} sounds", "", "", _number(macro["recall"]), "", "",
                 "", *_event(report["events"])))  # fmt: skip
    pooled = _number(macro["others' pooled recall"])
    by_synthesis = _number(macro["others' macro recall, synthesised clips"])
    others = f"{len(macro['others'])} others (real clips pooled; synthesised: macro)"
    rows.append((others, "", macro["others' real clips"], pooled, "", by_synthesis, "", "", "", ""))
    rows.append(("always silent", "", "", "0", "", "0", "", "", "0", ""))
    return _table(head, rows)


def _event(found: Report) -> tuple[object, ...]:
    if not found:
        return ("", "", "")
    p50, p95 = _number(found["latency p50 s"], 2), _number(found["latency p95 s"], 2)
    return (found["events"], found["told"], f"{p50} / {p95}")


def _conditions(report: Report) -> str:
    head = ("the same clips", "alerts / others", "recall", "silent on others")
    rows: list[tuple[object, ...]] = [
        (condition, f"{found['alert clips']} / {found['other clips']}", _number(found["recall"]),
         _number(found["silent on others"]))
        for condition, found in report["conditions"].items()
    ]  # fmt: skip
    broken = report["broken signals"]
    told = f"{broken['alerts']} alerts {', '.join(broken['alerts on'])}".strip()
    rows.append((f"{broken['signals']} broken signals, {broken['seconds']:.0f} s", "", told, ""))
    return _table(head, rows)


def _classifier(report: Report) -> str:
    found = report["ESC-10"]
    if not found["clips"]:
        return ""
    rows = [(name, _number(value)) for name, value in found.items() if name != "clips"]
    return _table((f"ESC-10, official folds, {found['clips']} clips", "accuracy"), rows)


def proactive_table(scores: Mapping[str, Score]) -> str:
    """Of Proactive-Sound-Bench, by domain."""
    head = ("domain", "clips", "accuracy", "always IGNORE", "recall", "false-positive rate",
            "balanced accuracy")  # fmt: skip
    rows = [
        (name, each.clips, *(f"{value:.3f}" for value in (
            each.accuracy, each.always_ignore, each.recall, each.false_rate, each.balanced,
        )))
        for name, each in scores.items()
    ]  # fmt: skip
    return _table(head, rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def _number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}"
