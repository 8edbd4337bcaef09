"""The rule of arrows: a package imports only packages below it, modules form no circle, functions contain no imports.

Imports under TYPE_CHECKING count too.
"""

import ast
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from pressroom.partners import SENDERS
from tests.support.template import ROOT

LEVELS = (
    ("platform", "partners"),
    ("order",),
    ("inbox", "delivery"),
    ("providers",),
    ("ops",),
    ("console",),
    ("api",),
    ("functions",),
    ("local",),
    ("cli", "benches"),
)
"""From the bottom to the top. The packages of a level do not import each other."""
LEVEL = {package: level for level, packages in enumerate(LEVELS) for package in packages}
SHARED_DECISIONS = "pressroom.providers.storefront.decisions"
"""It asks every ordered provider for the same functions, so it may import them."""
IN_A_FUNCTION = {
    ("pressroom.platform.observe", "aws_lambda_powertools.metrics"),  # slow to load, and rarely needed
    ("benches.probe", "boto3"),  # this import is what the baseline measures
    ("benches.probe", "pressroom.platform.config"),  # the baseline must not load it
}
"""The imports (module, imported) that may be in a function, each with the reason."""


def sources() -> dict[str, ast.Module]:
    """Return the syntax tree of every module, by its full name."""
    files = [(ROOT / "layers/pressroom", path) for path in (ROOT / "layers/pressroom/pressroom").rglob("*.py")]
    files += [(ROOT, path) for top in ("functions", "cli", "local", "benches") for path in (ROOT / top).rglob("*.py")]
    return {name(path.relative_to(root)): ast.parse(path.read_text()) for root, path in files}


def name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the full name of each module that is imported; of `from package import module`, the module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module, "a relative import"
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (each if each in MODULES else node.module for each in full)


MODULES = sources()
IMPORTS = {module: {each for each in imports(tree) if each in MODULES} for module, tree in MODULES.items()}
ARROWS = sorted((module, imported) for module, all_imported in IMPORTS.items() for imported in all_imported)


def package(module: str) -> str:
    return module.removeprefix("pressroom.").partition(".")[0]


def provider(module: str) -> str:
    """Return the partner's id for a module in its folder."""
    _, _, below = module.partition("pressroom.providers.")
    folder = below.partition(".")[0]
    return folder if folder in SENDERS else ""


def listed(arrows: Iterable[tuple[str, str]]) -> str:
    return "\n" + "\n".join(f"{module} -> {imported}" for module, imported in sorted(arrows))


def test_every_package_has_a_level() -> None:
    assert {package(module) for module in MODULES} - {"pressroom"} == set(LEVEL)


def test_packages_import_only_downwards() -> None:
    crossing = [(module, imported) for module, imported in ARROWS if package(module) != package(imported)]
    wrong = [arrow for arrow in crossing if LEVEL[package(arrow[1])] >= LEVEL[package(arrow[0])]]
    assert not wrong, listed(wrong)


def test_no_provider_imports_another() -> None:
    between = [(provider(module), provider(imported), (module, imported)) for module, imported in ARROWS]
    wrong = [arrow for one, other, arrow in between if one and other and one != other and arrow[0] != SHARED_DECISIONS]
    assert not wrong, listed(wrong)


def test_modules_form_no_circle() -> None:
    try:
        TopologicalSorter(IMPORTS).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_functions_contain_no_imports() -> None:
    inside = {
        (module, imported)
        for module, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for imported in imports(node)
    }
    assert not inside - IN_A_FUNCTION, listed(inside - IN_A_FUNCTION)
    assert not IN_A_FUNCTION - inside, listed(IN_A_FUNCTION - inside)
