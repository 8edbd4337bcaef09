"""Every integration test is also a test that nothing private is printed."""

from collections.abc import Iterator

import pytest

from tests.support.cloud import SECRETS
from tests.support.samples import PERSONAL


class Printed:
    """What the functions have printed so far: logs and metrics."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    def text(self) -> str:
        out, err = self._capsys.readouterr()
        self._text += out + err
        return self._text


@pytest.fixture(autouse=True)
def printed(capsys: pytest.CaptureFixture[str], fresh: None) -> Iterator[Printed]:
    printed = Printed(capsys)
    yield printed
    private = [each for each in (*PERSONAL, *SECRETS.values()) if each in printed.text()]
    assert not private, f"a log line holds {private}"
