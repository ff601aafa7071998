"""The laws of the house: imports point down, strangers stay strangers, rooms stay small."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gateway"

TOOLS = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")
RUNGS: tuple[tuple[str, ...], ...] = (
    ("__init__", *TOOLS),
    ("domain",),
    ("config", "routing", "dialects", "output", "upstream", "state"),
    ("flow",),
    ("web",),
    ("cli",),
)
HEIGHT = {room: height for height, rooms in enumerate(RUNGS) for room in rooms}

HOME_OF_LIBRARY = {
    "litestar": {"web"},
    "httptools": {"upstream", "cli"},
    "yaml": {"config"},
    "jsonschema": {"config", "output"},
    "jinja2": {"templates"},
    "uvicorn": {"cli"},
    "click": {"cli"},
    "rich": {"cli"},
    "redis": {"state"},
    "asyncpg": {"state"},
    "sqlite3": {"state"},
    "httpx": {"cli"},
    "watchfiles": {"flow"},
    "prometheus_client": {"state"},
    "opentelemetry": {"state"},
    "cryptography": {"dialects"},
}

MODULE_LINES = 300
FUNCTION_LINES = 60
BROAD_CATCHES_ALLOWED = {"gateway/web/errors.py", "gateway/flow/reload.py"}

FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> Iterator[tuple[str, ast.stmt]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, node
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "imports are absolute"
            yield node.module, node
            for name in node.names:
                if (PACKAGE.parent / node.module.replace(".", "/") / f"{name.name}.py").exists():
                    yield f"{node.module}.{name.name}", node


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def own_room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_imports_point_down_and_strangers_stay_strangers(path: Path) -> None:
    room = room_of(path)
    for module, _ in imported(ast.parse(path.read_text())):
        if module.split(".")[0] != "gateway":
            continue
        other = own_room(module)
        assert other == room or HEIGHT[other] < HEIGHT[room], f"{room} may not import {other} ({ids(path)} -> {module})"


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_a_library_lives_in_one_room(path: Path) -> None:
    room = room_of(path)
    for module, _ in imported(ast.parse(path.read_text())):
        home = HOME_OF_LIBRARY.get(module.split(".")[0])
        assert home is None or room in home, f"{module} belongs to {home}, not to {room} ({ids(path)})"


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_no_import_hides_in_a_function(path: Path) -> None:
    tree = ast.parse(path.read_text())
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for module, node in imported(function):
                own = module.split(".")[0] == "gateway"
                optional = module.split(".")[0] in {"redis", "asyncpg", "opentelemetry", "cryptography"}
                allowed = optional and not own
                assert allowed, f"{ids(path)}:{node.lineno} imports {module} inside {function.name}"


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_modules_and_functions_read_in_one_sitting(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= MODULE_LINES, f"{ids(path)} has {text.count(chr(10))} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= FUNCTION_LINES, f"{ids(path)}:{node.lineno} {node.name} has {length} lines"


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_the_first_line_says_which_story_a_module_tells(path: Path) -> None:
    text = path.read_text()
    assert not text or ast.get_docstring(ast.parse(text)), f"{ids(path)} has no first line"
    assert path.stem not in {"utils", "helpers", "common", "misc", "manager"}


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_broad_catches_stand_at_the_outer_walls_only(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ExceptHandler):
            names = ast.unparse(node.type) if node.type else "BaseException"
            broad = re.search(r"\b(Base)?Exception\b", names)
            assert not broad or ids(path) in BROAD_CATCHES_ALLOWED, f"{ids(path)}:{node.lineno} catches {names}"


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES}
    for name, path in names.items():
        graph[name] = {module for module, _ in imported(ast.parse(path.read_text())) if module in names} - {name}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, "circle: " + " -> ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for other in graph[name]:
                visit(other, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_nothing_evaluates_text_or_unpickles(path: Path) -> None:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in FORBIDDEN_CALLS, f"{ids(path)}:{node.lineno} calls {node.func.id}"
        assert not isinstance(node, ast.Assert), f"{ids(path)}:{node.lineno} asserts: `python -O` would remove it"
    for module, _ in imported(tree):
        assert module.split(".")[0] not in {"pickle", "marshal", "shelve", "dill"}, ids(path)
