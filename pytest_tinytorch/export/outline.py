"""Finds the function that contains a line of a source. `diagnosis.sources` calls it."""

import ast
from functools import lru_cache


@lru_cache(maxsize=8)
def functions(source: str) -> tuple[tuple[int, int, str], ...]:
    """(first line, last line, name) of each function; empty if the source does not compile."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # MemoryError: nested too deeply
        return ()
    found = []

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{prefix}{child.name}"
                if not isinstance(child, ast.ClassDef):
                    found.append((child.lineno, child.end_lineno or child.lineno, name))
                visit(child, f"{name}.")

    visit(tree, "")
    return tuple(found)
