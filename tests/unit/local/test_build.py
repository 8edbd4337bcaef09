"""What the build leaves out of the layer."""

import re

from local.build import SERVICES
from tests.support.template import ROOT


def test_the_layer_keeps_exactly_the_services_that_the_functions_call() -> None:
    sources = [*ROOT.glob("layers/pressroom/pressroom/**/*.py"), *ROOT.glob("functions/**/handler.py")]
    called = {name for source in sources for name in re.findall(r'client\("([a-z0-9-]+)"\)', source.read_text())}
    assert called == SERVICES
