"""What is never written: async code, catching everything, reading the environment on the way."""

import ast
from pathlib import Path

from tests.support.tree import PACKAGES, named, parsed, sources

MAY_CATCH_ALL = {
    ("ingest/answers.py", "answer"),
    ("ingest/steady.py", "keep_on"),
    ("service/deciding.py", "_decided"),
    ("service/workers.py", "work"),
    ("service/workers.py", "deliver"),
}
"""Each parks or releases its unit of work, or takes its turn again."""
MAY_READ_THE_ENVIRONMENT = {"service/cli.py"}


def test_no_code_is_async():
    found = [
        f"{named(file)}:{node.lineno}"
        for file in sources(*PACKAGES, "tests", "bench")
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.AsyncFunctionDef)
    ]
    assert not found


def test_only_five_functions_catch_everything():
    found = {
        (named(file), function) for file in sources(*PACKAGES) for function in _that_catch_all(file)
    }
    assert found <= MAY_CATCH_ALL


def test_only_the_command_line_reads_the_environment():
    found = {named(file) for file in sources(*PACKAGES) if _reads_the_environment(file)}
    assert found <= MAY_READ_THE_ENVIRONMENT


def test_no_signature_says_any():
    found = [
        f"{named(file)}:{node.lineno} {node.name}"
        for file in sources(*PACKAGES)
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.FunctionDef) and _says_any(node)
    ]
    assert not found


def test_no_function_takes_whatever_keywords_come():
    found = [
        f"{named(file)}:{node.lineno} {node.name}"
        for file in sources(*PACKAGES)
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.FunctionDef) and node.args.kwarg
    ]
    assert not found


def _that_catch_all(file: Path) -> set[str]:
    found = set()
    for function in ast.walk(parsed(file)):
        if isinstance(function, ast.FunctionDef | ast.Module):
            name = getattr(function, "name", "(module)")
            found |= {name for node in _own(function) if _catches_all(node)}
    return found


def _own(function: ast.AST) -> list[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    waiting, own = list(ast.iter_child_nodes(function)), []
    while waiting:
        node = waiting.pop()
        own.append(node)
        if not isinstance(node, ast.FunctionDef):
            waiting += ast.iter_child_nodes(node)
    return own


def _catches_all(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
        return any(_names_all(each) for each in node.args)
    if not isinstance(node, ast.ExceptHandler):
        return False
    return (node.type is None or _names_all(node.type)) and not _raises_again(node)


def _names_all(caught: ast.expr) -> bool:
    names = {each.id for each in ast.walk(caught) if isinstance(each, ast.Name)}
    return bool(names & {"Exception", "BaseException"})


def _raises_again(handler: ast.ExceptHandler) -> bool:
    """A handler that only tidies up and lets the failure go on catches nothing."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def _reads_the_environment(file: Path) -> bool:
    return any(
        (isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv"))
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and {each.name for each in node.names} & {"environ", "getenv"}
        )
        for node in ast.walk(parsed(file))
    )


def _says_any(function: ast.FunctionDef) -> bool:
    taken = function.args
    arguments = [*taken.posonlyargs, *taken.args, *taken.kwonlyargs, taken.vararg, taken.kwarg]
    hints = [each.annotation for each in arguments if each and each.annotation]
    return any(
        isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) in ("Any", "typing.Any")
        for hint in [*hints, *([function.returns] if function.returns else [])]
        for node in ast.walk(hint)
    )
