"""Download of a model from the Hugging Face Hub, resumed where it stopped.

`huggingface_hub` is imported only here and only when the user asks: it opens the network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from everlisten.engine.errors import ModelLoadError
from everlisten.engine.models.entries import HubSource

INCOMPLETE = ".incomplete"
"""What is added to the name of a file that is not whole yet."""

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all) of the whole model."""


class SizedFile(Protocol):
    """A file of a repository."""

    @property
    def name(self) -> str:
        """Path below the repository's root."""

    @property
    def size(self) -> int:
        """Bytes."""


def download(
    id: str,
    files: Sequence[SizedFile],
    source: HubSource,
    folder: Path,
    progress: Progress | None,
    endpoint: str | None = None,
) -> None:
    """Bring every file of a model into `folder`; what is there already is not fetched again.

    Raises:
        ModelLoadError: The Hub cannot be reached or refuses, or the disk does.
    """
    done, total = 0, sum(file.size for file in files)
    for file in files:
        if not (folder / file.name).exists():
            tally = _tally_class(progress, done, total)
            try:
                _download_file(file, source, folder, tally, endpoint)
            # Which HTTP library raises, and what, differs between releases of huggingface_hub.
            except Exception as error:
                raise ModelLoadError(
                    f"{file.name} of model {id} could not be fetched from {source.repo}: "
                    f"{reason(error)}; check the network connection and run "
                    f"'everlisten models fetch {id}' again, it goes on where it stopped"
                ) from error
        done += file.size
        if progress is not None:
            progress(done, total)


def _download_file(
    file: SizedFile, source: HubSource, folder: Path, tally: type[Any], endpoint: str | None
) -> None:
    # Not hf_hub_download: since 2.0 it throws a broken-off file away instead of resuming it.
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined,unused-ignore]

    partial = folder / f"{file.name}{INCOMPLETE}"
    partial.parent.mkdir(exist_ok=True)
    with partial.open("ab") as stream:
        if stream.tell() > file.size:
            stream.truncate(0)
        http_get(
            hf_hub_url(source.repo, file.name, revision=source.revision, endpoint=endpoint),
            stream,
            resume_size=stream.tell(),
            headers=build_hf_headers(),
            expected_size=file.size,
            tqdm_class=tally,
        )
    partial.replace(folder / file.name)


def reason(error: Exception) -> str:
    """The first line of what an HTTP library says."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _tally_class(progress: Progress | None, done: int, total: int) -> type[Any]:
    """A silent progress bar that tells `progress` instead of a terminal."""
    from tqdm import tqdm

    class Tally(tqdm):  # type: ignore[type-arg]
        monitor_interval = 0  # no thread that refreshes the bar

        def __init__(self, *args: Any, **options: Any) -> None:
            options.pop("name", None)
            self.counted = int(options.get("initial") or 0)
            super().__init__(*args, **{**options, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            self.counted += int(n or 0)
            if progress is not None:
                progress(min(done + self.counted, total), total)
            return None

    return Tally
