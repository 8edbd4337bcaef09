"""The local cloud knows the partners and its simulators fit the template."""

import importlib.util
import subprocess
import sys

from local.partners import SIMULATORS
from pressroom.partners import PARTNERS
from tests.support.template import ROOT, template


def test_every_simulator_has_a_module_and_a_template_parameter() -> None:
    for simulator in SIMULATORS:
        assert importlib.util.find_spec(f"local.simulators.{simulator.id}"), simulator.id
        assert simulator.parameter in template()["Parameters"]


def test_every_required_parameter_of_a_partner_is_in_the_template() -> None:
    required = [name for partner in PARTNERS for name in partner.required_parameters]
    assert set(required) <= set(template()["Parameters"])


def test_importing_local_makes_the_layers_package_importable() -> None:
    code = "import local.partners, pressroom.partners"
    subprocess.run([sys.executable, "-P", "-c", code], env={"PYTHONPATH": str(ROOT)}, check=True, timeout=60)
