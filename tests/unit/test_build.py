"""What the build leaves out of the layer."""

import re
from pathlib import Path

from local.build import SERVICES

ROOT = Path(__file__).parents[2]


def test_the_layer_keeps_exactly_the_services_that_the_functions_call() -> None:
    sources = [*ROOT.glob("layers/pressroom/pressroom/**/*.py"), *ROOT.glob("functions/**/handler.py")]
    called = {name for source in sources for name in re.findall(r'client\("([a-z0-9-]+)"\)', source.read_text())}
    assert called == SERVICES
