# test_examples.py - the examples of docstrings and of the Python pages of the documentation are true
# SPDX-License-Identifier: Apache-2.0
import ast
import doctest
import inspect
import linecache
import pathlib
import re
import textwrap

import numpy as np
import pytest
import tessera
import tessera.language as tl

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "docs/python/getting-started.md", ROOT / "docs/python/from-triton.md"]


def language_examples():
    """(name, body, value) of each example in the language: the last line is `out = … # value`."""
    for owner in (tl, tl.core):
        for name in sorted(vars(owner)):
            value = getattr(owner, name)
            if owner is tl.core and getattr(tl, name, None) is value:
                continue
            # Instances have the documentation of their class.
            if not (inspect.isfunction(value) or inspect.isclass(value)) or name.startswith("_"):
                continue
            if getattr(value, "__tessera_name__", "").startswith("triton.language") and value.__doc__ and "Example:" in value.__doc__:
                code = textwrap.dedent(inspect.cleandoc(value.__doc__).partition("Example:\n")[2])
                body, _, expected = code.strip().rpartition("            # ")
                yield pytest.param(name, body, expected, id=name)


def run_source(source, name):
    """Executes source so that `inspect` finds the text of its functions."""
    file = f"<example {name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    space = {"tessera": tessera, "tl": tl, "np": np, "numpy": np, "__name__": f"example_{re.sub(r'[^a-z]', '_', name)}"}
    exec(compile(source, file, "exec"), space)
    return space


@pytest.mark.parametrize("name, body, expected", list(language_examples()))
def test_language(name, body, expected):
    wanted = np.array(ast.literal_eval(expected))
    shape = wanted.shape
    indices = "0"
    for axis, extent in enumerate(shape):
        stride = int(np.prod(shape[axis + 1:], dtype=int))
        index = f"tl.arange(0, {extent})" + (f"[{', '.join(':' if i == axis else 'None' for i in range(len(shape)))}]" if len(shape) > 1 else "")
        indices = index + f" * {stride}" if axis == 0 else f"{indices} + {index} * {stride}"
    kernel = "@tessera.jit\ndef kernel(result, scratch):\n" + textwrap.indent(body, "    ") + f"\n    tl.store(result + {indices}, out)\n"
    result = np.zeros(shape, np.float32 if wanted.dtype.kind == "f" else np.int32)
    scratch = np.zeros(64, np.int32)
    run_source(kernel, name)["kernel"][(1,)](result, scratch)
    np.testing.assert_allclose(result, wanted, rtol=1e-6)


@pytest.mark.parametrize("module", ["_host_functions", "testing", "runtime.autotuner", "tools.tensor_descriptor", "torch"])
def test_docstrings(module):
    import importlib
    if module == "torch":
        pytest.importorskip("torch")
    module = importlib.import_module(f"tessera.{module}")
    finder = doctest.DocTestFinder(exclude_empty=True)
    globs = {"tessera": tessera, "tl": tl, "numpy": np}
    count = 0
    for value in list(vars(module).values()):
        target = getattr(value, "fn", value) if not inspect.isclass(value) else value
        if getattr(target, "__module__", None) != module.__name__ or not getattr(target, "__doc__", None):
            continue
        for test in finder.find(target, target.__name__, module=False, globs=dict(globs)):
            if not test.examples:
                continue
            for i, example in enumerate(test.examples):
                # A kernel's source must be found: doctest itself only patches it in while it runs.
                file = f"<doctest {test.name}[{i}]>"
                linecache.cache[file] = (len(example.source), None, example.source.splitlines(keepends=True), file)
            output = []
            results = doctest.DocTestRunner().run(test, out=output.append, clear_globs=False)
            assert results.failed == 0, "".join(output)
            count += results.attempted
    assert count, "the module has no example"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_pages(page, capsys):
    """Blocks of a page run one after another; `print(…)   # text` must print the text."""
    text = page.read_text()
    source = "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S))
    assert source
    import subprocess
    import sys
    expected = re.findall(r"^print\(.*\)\s{2,}# (.*)$", source, re.M)
    done = subprocess.run([sys.executable, "-c", WRAPPER, page.stem], input=source, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == expected


WRAPPER = """
import linecache, sys
source, file = sys.stdin.read(), f"<page {sys.argv[1]}>"
linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
exec(compile(source, file, "exec"), {"__name__": "__main__"})
"""
