"""Settings of the history."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineConfig:
    """What is kept, and for how long."""

    retention_days: int = field(
        default=0,
        metadata={
            "title": "Delete sessions after",
            "help": "Older captions and recordings are deleted for good.",
            "page": "History",
            "minimum": 0,
            "maximum": 3650,
            "unit": "days",
            "lowest": "Never",
        },
    )
    record_audio: bool = field(
        default=False,
        metadata={
            "title": "Record the sound",
            "help": "Keeps what was heard as FLAC beside the captions, from the next session on.",
            "page": "History",
        },
    )

    def __post_init__(self) -> None:
        if not 0 <= self.retention_days <= 3650:
            raise ValueError(
                f"retention_days = {self.retention_days}: give a number from 0 to 3650"
            )
