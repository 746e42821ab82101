"""Scenarios found in scenarios/ by reading, never by importing: planning runs no one's code.

A scenario is a function `test_*` at the top of a `test_*.py`. Its name is the function's without
`test_`, with `-` for `_`. `@pytest.mark.scenario(level=..., name=..., count_loops=..., cold_boot=...)`
on the function, or as `pytestmark` for the module, is read literally; the level defaults to the folder.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from lab.config.located import closest, unknown
from lab.config.marked import Place, Problem, located, shown
from lab.errors import ConfigError
from lab.matrix.ids import is_name
from lab.model import Level, ScenarioInfo

FOLDER = "scenarios"
_WANTED: Mapping[str, type] = {
    "level": str,
    "name": str,
    "count_loops": bool,
    "cold_boot": bool,
    "ends_with": str,
    "starts_with": str,
    "soak": bool,
    "time_warp": bool,
    "latency_sensitive": bool,
}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Marks = dict[str, str | bool]


def discover(root: Path) -> dict[str, ScenarioInfo]:
    """The scenarios below `root`/scenarios by name, in the order of their files.

    :param root: the directory of lab.yaml; paths in the result are relative to it.
    :raise ConfigError: all that is wrong in all files: syntax, marks, names, duplicates.
    """
    found: dict[str, ScenarioInfo] = {}
    places: dict[str, str] = {}
    problems: list[str] = []
    for path in sorted((root / FOLDER).rglob("test_*.py")):
        module = _Module(path, path.relative_to(root))
        for info, place in module.scenarios():
            where = located(module.name, place)
            if info.name in found:
                module.refuse(place, f"scenario {info.name!r} is also at {places[info.name]}")
                continue
            found[info.name] = info
            places[info.name] = where
        problems += [f"{located(module.name, one.place)}: {one.message}" for one in module.problems]
    if problems:
        raise ConfigError("\n".join(problems))
    return found


class _Module:
    """One file: yields its scenarios and collects what is wrong with it."""

    def __init__(self, path: Path, relative: Path) -> None:
        self.name = shown(path)
        self.problems: list[Problem] = []
        self._path = path
        self._relative = relative

    def refuse(self, place: Place, message: str) -> None:
        self.problems.append(Problem(place, message))

    def scenarios(self) -> Iterator[tuple[ScenarioInfo, Place]]:
        tree = self._parsed()
        if tree is None:
            return
        defaults = self._module_marks(tree)
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and any(_is_test(inner) for inner in node.body):
                self.refuse(_place(node), f"class {node.name!r} holds tests (scenarios are plain functions)")
            if isinstance(node, Function) and _is_test(node):
                info = self._scenario(node, defaults | self._marks(node.decorator_list))
                if info is not None:
                    yield info, _place(node)

    def _parsed(self) -> ast.Module | None:
        try:
            return ast.parse(self._path.read_bytes(), filename=self.name)
        except SyntaxError as error:
            place = Place(error.lineno or 1, error.offset or 1)
            self.refuse(place, f"is not Python: {error.msg}")
        except (OSError, ValueError) as error:
            self.refuse(Place(), f"cannot be read: {error}")
        return None

    def _module_marks(self, tree: ast.Module) -> Marks:
        for node in tree.body:
            if isinstance(node, ast.Assign) and any(_names_pytestmark(target) for target in node.targets):
                several = isinstance(node.value, ast.List | ast.Tuple)
                return self._marks(node.value.elts if several else [node.value])  # type: ignore[attr-defined]
        return {}

    def _marks(self, expressions: Iterable[ast.expr]) -> Marks:
        marks: Marks = {}
        for expression in expressions:
            if isinstance(expression, ast.Call) and _is_scenario_mark(expression.func):
                marks |= self._literal(expression)
        return marks

    def _literal(self, call: ast.Call) -> Marks:
        marks: Marks = {}
        for unnamed in call.args:
            self.refuse(_place(unnamed), "scenario mark: wanted named arguments only")
        for keyword in call.keywords:
            place = _place(keyword.value)
            wanted = _WANTED.get(keyword.arg or "**")
            if wanted is None:
                self.refuse(
                    place, f"scenario mark: {unknown('argument', keyword.arg or '**', list(_WANTED))}"
                )
                continue
            value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
            if type(value) is not wanted:
                spelled = "True or False" if wanted is bool else "a quoted text"
                got = ast.unparse(keyword.value)
                self.refuse(place, f"scenario mark: {keyword.arg}: wanted {spelled}, got {got}")
                continue
            marks[str(keyword.arg)] = value  # type: ignore[assignment]  # its type was just compared
        return marks

    def _scenario(self, node: Function, marks: Marks) -> ScenarioInfo | None:
        name = str(marks.get("name") or node.name.removeprefix("test_").replace("_", "-"))
        if not is_name(name):
            wanted = "letters, digits, dot and hyphen, not starting with one of the last two"
            self.refuse(_place(node), f"scenario name {name!r} cannot be part of a cell id (wanted {wanted})")
            return None
        level = self._level(node, marks)
        if level is None:
            return None
        summary = (ast.get_docstring(node) or "").strip().partition("\n")[0]
        return ScenarioInfo(
            name=name,
            path=self._relative.as_posix(),
            function=node.name,
            level=level,
            summary=summary,
            count_loops=bool(marks.get("count_loops", False)),
            cold_boot=bool(marks.get("cold_boot", False)),
            starts_with=str(marks.get("starts_with", "")),
            soak=bool(marks.get("soak", False)),
            time_warp=bool(marks.get("time_warp", False)),
            latency_sensitive=bool(marks.get("latency_sensitive", False)),
        )

    def _level(self, node: Function, marks: Marks) -> Level | None:
        """From the mark, else from the folder; a file right in scenarios/ tests a feature."""
        folder = self._relative.parts[1] if len(self._relative.parts) > 2 else str(Level.FEATURE)
        text = str(marks.get("level", folder))
        levels = [str(level) for level in Level]
        if text in levels:
            return Level(text)
        near = closest(text, levels)
        mend = f"closest is {near!r}" if near else f"levels are {', '.join(levels)}"
        self.refuse(_place(node), f"scenario {node.name!r} has no level: {text!r} is none ({mend})")
        return None


def _is_test(node: ast.stmt) -> bool:
    return isinstance(node, Function) and node.name.startswith("test_")


def _names_pytestmark(target: ast.expr) -> bool:
    return isinstance(target, ast.Name) and target.id == "pytestmark"


def _is_scenario_mark(function: ast.expr) -> bool:
    """`pytest.mark.scenario` or `mark.scenario`."""
    return ast.unparse(function) in ("pytest.mark.scenario", "mark.scenario")


def _place(node: ast.expr | ast.stmt) -> Place:
    return Place(node.lineno, node.col_offset + 1)
