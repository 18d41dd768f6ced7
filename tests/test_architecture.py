"""The shape of the code, checked by walking its syntax: who imports whom, how big things may grow, what is
forbidden where. Every problem is a sentence, and one run shows all of them."""

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted([*(ROOT / "portal").rglob("*.py"), ROOT / "wsgi.py"])

#: From the bottom up; a module may import its own layer and the ones below. What is in none is wiring.
LAYERS = {
    "the vocabulary": ("portal.errors", "portal.environ", "portal.trading"),
    "the ground": ("portal.config", "portal.flask_config", "portal.logs", "portal.db", "portal.crypto"),
    "nouns and borders": ("portal.models", "portal.exchanges"),
    "the verbs": ("portal.services",),
    "the entry points": ("portal.admin", "portal.web", "portal.api", "portal.jobs", "portal.events"),
}
LAYER_NAMES = [*LAYERS, "the wiring"]

#: Who must not import what, and why not.
FORBIDDEN = [
    ("portal.trading", "portal.environ", "the trading rules know no configuration"),
    ("portal.trading", "flask", "the trading rules know no web framework"),
    ("portal.trading", "sqlalchemy", "the trading rules know no database"),
    ("portal.trading", "requests", "the trading rules do no I/O"),
    ("portal.exchanges", "portal.models", "adapters must not know the database"),
    ("portal.exchanges", "portal.db", "adapters must not know the database"),
    ("portal.exchanges", "sqlalchemy", "adapters must not know the database"),
    ("portal.models", "portal.exchanges", "tables do not talk to exchanges"),
    ("portal.models", "requests", "tables do no I/O"),
    ("portal.web", "portal.admin", "the portal pages stand on their own"),
    ("portal.api", "portal.admin", "the API stands on its own"),
]
#: Only these may import the library; everybody else goes through them. `*`: all names that begin so.
OWNERS = {
    "ccxt": ("portal.exchanges.ccxt_*",),
    "rq": ("portal.jobs",),
    "rq_scheduler": ("portal.jobs",),
    "rq_dashboard": ("portal.admin.rq*",),
    "flask_admin": ("portal.admin",),
    "cryptography": ("portal.crypto",),
    "honcho": ("portal.embedded",),
}
#: Where an import inside a function is allowed: commands import what they need, registries on first use.
LAZY = ("portal.cli", "portal.commands", "portal.exchanges.registry", "portal.exchanges.access")
NAIVE_CLOCKS = {"utcnow", "utcfromtimestamp", "today"}
INEXACT = {"float", "Float", "Double", "REAL"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def where(path: Path) -> str:
    return str(path.relative_to(ROOT))


def module_name(path: Path) -> str:
    return where(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))))


def functions(path: Path) -> list[Function]:
    return [node for node in nodes(path) if isinstance(node, Function)]


def size_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def imports(path: Path) -> Iterator[str]:
    """What the module may bring in: of `from a import b`, both a and a.b."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{where(path)} uses a relative import: write the whole name."
            yield from (node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names))


def below(name: str, prefix: str) -> bool:
    """Whether `name` is `prefix` or lies inside it."""
    if prefix.endswith("*"):
        return name.startswith(prefix[:-1])
    return name == prefix or name.startswith(f"{prefix}.")


def inside(name: str, prefixes: Iterable[str]) -> bool:
    return any(below(name, prefix) for prefix in prefixes)


def layer_of(name: str) -> int:
    return next((number for number, names in enumerate(LAYERS.values()) if inside(name, names)), len(LAYERS))


def fail_with(problems: Iterable[str]) -> None:
    found = sorted(set(problems))
    assert not found, "\n".join(["", *found])


def upward_imports(path: Path) -> Iterator[str]:
    here = layer_of(module_name(path))
    for target in imports(path):
        there = layer_of(target)
        # `from portal.models import X` also names portal.models.X, which is the same layer.
        if target.startswith("portal.") and there > here:
            yield f"{where(path)} imports {target}: {LAYER_NAMES[here]} must not know {LAYER_NAMES[there]}."


def test_imports_point_down_only() -> None:
    fail_with(problem for path in MODULES for problem in upward_imports(path))


def test_forbidden_imports_are_absent() -> None:
    fail_with(
        f"{where(path)} imports {target}: {because}."
        for path in MODULES
        for target in imports(path)
        for who, what, because in FORBIDDEN
        if below(module_name(path), who) and below(target, what)
    )


def test_libraries_are_imported_by_their_owners_only() -> None:
    fail_with(
        f"{where(path)} imports {target}: only {' and '.join(OWNERS[library])} may."
        for path in MODULES
        for target in imports(path)
        if (library := target.split(".")[0]) in OWNERS and not inside(module_name(path), OWNERS[library])
    )


def test_imports_inside_functions_are_absent_outside_wiring_and_registries() -> None:
    fail_with(
        f"{where(path)}:{node.lineno} imports inside {function.name}(): move it to the top."
        for path in MODULES
        if module_name(path) != "portal" and not inside(module_name(path), LAZY)
        for function in functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    )


def test_every_module_says_what_it_is_for() -> None:
    fail_with(
        f"{where(path)} has no docstring that says its job."
        for path in MODULES
        for tree in nodes(path)[:1]
        if isinstance(tree, ast.Module) and not ast.get_docstring(tree)
    )


def unannotated(path: Path) -> Iterator[str]:
    for function in functions(path):
        arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
        arguments += [extra for extra in (function.args.vararg, function.args.kwarg) if extra]
        bare = [one.arg for one in arguments if one.annotation is None and one.arg not in {"self", "cls"}]
        if bare:
            yield f"{where(path)}:{function.lineno} {function.name}() does not annotate {', '.join(bare)}."
        if function.returns is None:
            yield f"{where(path)}:{function.lineno} {function.name}() does not say what it returns."


def test_every_function_is_annotated() -> None:
    fail_with(problem for path in MODULES for problem in unannotated(path))


def test_no_module_is_over_300_lines() -> None:
    fail_with(
        f"{where(path)} has {size_of(path)} lines: find the missing noun and split it."
        for path in MODULES
        if size_of(path) > 300
    )


def test_half_of_the_modules_have_at_most_80_lines() -> None:
    assert statistics.median(size_of(path) for path in MODULES) <= 80


def test_nine_functions_in_ten_have_at_most_35_lines() -> None:
    sizes = [(node.end_lineno or 0) - node.lineno + 1 for path in MODULES for node in functions(path)]
    assert statistics.quantiles(sizes, n=10)[-1] <= 35


def floats(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield f"{where(path)}:{node.lineno} has the literal {node.value}: write Decimal('…')."
        if isinstance(node, ast.Name) and node.id in INEXACT:
            yield f"{where(path)}:{node.lineno} uses {node.id}: use Decimal."
        if isinstance(node, ast.Attribute) and node.attr in INEXACT:
            yield f"{where(path)}:{node.lineno} uses {node.attr}: use Numeric."


def test_money_is_never_a_float() -> None:
    exact = [path for path in MODULES if inside(module_name(path), ("portal.trading", "portal.models"))]
    assert exact
    fail_with(problem for path in exact for problem in floats(path))


def naive_times(path: Path) -> Iterator[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    for node in nodes(path):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        clock = ast.unparse(node.func.value).endswith(("datetime", "date"))
        naive_now = node.func.attr == "now" and not node.args and not node.keywords
        # A line that shows the reader's own wall clock says so with the lint exception.
        if (
            clock
            and (naive_now or node.func.attr in NAIVE_CLOCKS)
            and "noqa: DTZ" not in lines[node.lineno - 1]
        ):
            yield f"{where(path)}:{node.lineno} makes a naive time: use datetime.now(UTC)."


def test_times_are_aware() -> None:
    fail_with(problem for path in MODULES for problem in naive_times(path))


@pytest.mark.parametrize("module", ["portal.admin", "portal.web", "portal.api", "portal.events", "wsgi"])
def test_web_process_never_imports_ccxt(module: str) -> None:
    """ccxt takes seconds and a hundred megabytes; only workers pay for it."""
    program = f"import sys, {module}; print('ccxt' in sys.modules)"
    environ = {
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "PORTAL_SECRET_KEY": "only-for-this-import-" + "0" * 32,
        "PORTAL_CREDENTIAL_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "False", f"importing {module} imports ccxt: keep it behind the registry."
