"""The files of the project that code imports, each with a hash; nothing is imported."""

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path


def digest(data: bytes) -> str:
    """Return 16 hexadecimal digits that change if the data does."""
    return hashlib.sha256(data).hexdigest()[:16]


def made_of(code: str, sources: Path) -> dict[str, str]:
    """Return a hash of each file that the code imports from the folder of sources.

    SyntaxError if the code is not Python.
    """
    return Imports(sources)(imports(code.encode()))


class Imports:
    """The modules in a folder of sources, each read once."""

    def __init__(self, sources: Path) -> None:
        self.sources = sources
        self.known: dict[str, tuple[dict[str, str], frozenset[str]]] = {}

    def __call__(self, names: Iterable[str]) -> dict[str, str]:
        """Return a hash of each file of the modules of these names, in order.

        Modules are followed through their imports, without importing them; data that
        lies beside one belongs to it.
        """
        found: dict[str, str] = {}
        waiting, seen = set(names), set()
        while waiting:
            seen.add(module := waiting.pop())
            if module not in self.known:
                self.known[module] = self._read(module)
            files, names = self.known[module]
            found |= files
            waiting |= names - seen
        return dict(sorted(found.items()))

    def _read(self, module: str) -> tuple[dict[str, str], frozenset[str]]:
        path = self._path(module)
        if path is None:
            return {}, frozenset()
        package = ".".join(path.parent.relative_to(self.sources).parts)
        names = imports(path.read_bytes(), package)
        files = [path, *(file for file in path.parent.iterdir() if _is_data(file))]
        root = self.sources.parent
        hashes = {
            file.relative_to(root).as_posix(): digest(file.read_bytes())
            for file in files
        }
        # a package is run before what it holds
        return hashes, names | {module.rpartition(".")[0]}

    def _path(self, module: str) -> Path | None:
        base = self.sources.joinpath(*module.split("."))
        files = (base.with_name(f"{base.name}.py"), base / "__init__.py")
        return next((file for file in files if module and file.is_file()), None)


@cache
def imports(code: bytes, package: str = "") -> frozenset[str]:
    """Return what a module of a package may import: modules, and names in them."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level]
            base = (
                [*above, *filter(None, [node.module])] if node.level else [node.module]
            )
            found |= {".".join(base)}
            found |= {".".join([*base, alias.name]) for alias in node.names}
    return frozenset(found)


def _is_data(file: Path) -> bool:
    code = file.suffix in (".py", ".pyc") or file.name.startswith(".")
    return file.is_file() and not code
