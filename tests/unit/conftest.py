"""Every unit test starts with empty caches and no account."""

import pytest


@pytest.fixture(autouse=True)
def _fresh(fresh: None) -> None:
    pass
