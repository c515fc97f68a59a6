"""Every benchmark can be asked for its options."""

import pytest

from everlisten.app.cli.bench import SUITES
from everlisten.app.main import main


@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_explains_its_options(suite, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["bench", suite, "--help"])
    assert ended.value.code == 0
    assert "--out" in capsys.readouterr().out
