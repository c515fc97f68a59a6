"""The real model from the real packages, and a tampered copy of it."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from everlisten.engine.errors import ModelLoadError
from everlisten.engine.models.catalogue import ModelCatalogue


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


def test_assembled_from_the_packages_then_checked_in_no_time(models_dir: Path) -> None:
    catalogue = ModelCatalogue(models_dir)
    folder = catalogue.ensure("whisper-base")
    assert (folder / "model.bin").stat().st_size == 145_217_532
    started = time.perf_counter()
    assert ModelCatalogue(models_dir).ensure("whisper-base") == folder
    assert time.perf_counter() - started < 0.25
    assert catalogue.verify("whisper-base").state == "ready"


def test_one_changed_bit_is_refused(models_dir: Path) -> None:
    catalogue = ModelCatalogue(models_dir)
    path = catalogue.ensure("whisper-base") / "model.bin"
    with path.open("r+b") as stream:
        stream.seek(100_000_000)
        byte = stream.read(1)[0]
        stream.seek(100_000_000)
        stream.write(bytes([byte ^ 1]))
    with pytest.raises(ModelLoadError, match=r"^model\.bin in .* refused"):
        catalogue.ensure("whisper-base")


def test_the_catalogue_imports_no_network_code() -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from everlisten.engine.models.catalogue import ModelCatalogue\n"
        "ModelCatalogue(Path('nowhere')).status('whisper-base')\n"
        "print([m for m in ('huggingface_hub', 'requests', 'httpx', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
