"""Run the code of a Markdown page in the current folder: `python run_page.py PAGE`.

Blocks run in order and share what they define. ```python may use `await` at the top level; ```sh runs in
bash, and its `export` lines hold for the blocks after it. A ```text block after one of them is what it must
print, `…` standing for anything. A block is left out if the line above its fence is
`<!-- not run: REASON -->`.
"""

import ast
import asyncio
import contextlib
import inspect
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LEFT_OUT = re.compile(r"<!-- not run: .+ -->\s*$")
RUN = ("python", "sh")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    language: str
    code: str
    line: int
    left_out: bool


def blocks(text: str) -> Iterator[Block]:
    for match in FENCE.finditer(text):
        yield Block(
            language=match[1],
            code=match[2],
            line=text.count("\n", 0, match.start()) + 2,
            left_out=LEFT_OUT.search(text[: match.start()]) is not None,
        )


class Page:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._module = sys.modules["__main__"] = ModuleType("__main__")
        self._runner = asyncio.Runner()

    def run(self) -> int:
        found = list(blocks(self._path.read_text()))
        ran = 0
        for block, following in zip(found, [*found[1:], None], strict=True):
            if block.language not in RUN or block.left_out:
                continue
            printed = self._python(block) if block.language == "python" else self._sh(block)
            ran += 1
            if following is not None and following.language == "text":
                self._compare(following, printed)
        self._runner.close()
        return ran

    def _python(self, block: Block) -> str:
        source = "\n" * (block.line - 1) + block.code
        code = compile(source, str(self._path), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            self._execute(code)
        return output.getvalue()

    def _execute(self, code: CodeType) -> None:
        if code.co_flags & inspect.CO_COROUTINE:
            self._runner.run(eval(code, self._module.__dict__))
        else:
            exec(code, self._module.__dict__)

    def _sh(self, block: Block) -> str:
        for name, value in re.findall(r"^export (\w+)=(.*)$", block.code, re.MULTILINE):
            os.environ[name] = os.path.expandvars(value.strip("\"'"))
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", block.code], capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = f"{done.stdout}{done.stderr}"
            raise SystemExit(f"{self._path}:{block.line}: exit code {done.returncode}\n{said}")
        return done.stdout

    def _compare(self, expected: Block, printed: str) -> None:
        wanted = [line.rstrip() for line in expected.code.strip("\n").splitlines()]
        got = [line.rstrip() for line in printed.strip("\n").splitlines()]
        matches = len(wanted) == len(got) and all(map(_matches, wanted, got))
        if not matches:
            raise SystemExit(f"{self._path}:{expected.line}: the block before prints\n{printed}")


def _matches(wanted: str, got: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in wanted.split("…")), got) is not None


if __name__ == "__main__":
    ran = Page(Path(sys.argv[1])).run()
    sys.stdout.write(f"{ran} blocks ran\n")
