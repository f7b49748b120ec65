#!/usr/bin/env python3
# generate_python_reference.py - docs/python/reference: the Python package's pages, made of its docstrings
# SPDX-License-Identifier: Apache-2.0
"""usage: generate_python_reference.py [--check]

Sources are read, not imported, except the language, which loads nothing native. --check writes nothing and exits 1 where a page
is not what the docstrings give, or where a public function has no docstring."""
import ast
import inspect
import pathlib
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "frontends/python/package/tessera"
PAGES = ROOT / "docs/python/reference"
sys.path.insert(0, str(PACKAGE.parent))

# Page -> (title, introduction, [(heading, names or module file)])
LANGUAGE = {
    "language": ("tessera.language", "`import tessera.language as tl`. Functions of kernels; what is called on the host is an "
                 "error. Examples show the body of a kernel: `out` is what it computes, and the comment is its value; `scratch` "
                 "is a pointer to 64 int32 in memory.", [
                     ("The program", "program_id num_programs"),
                     ("Making tensors", "arange full zeros zeros_like cast"),
                     ("Shapes", "broadcast broadcast_to expand_dims reshape view ravel trans permute cat join split interleave "
                      "flip swizzle2d core.item"),
                     ("Memory", "load store make_block_ptr advance make_tensor_descriptor load_tensor_descriptor "
                      "store_tensor_descriptor"),
                     ("Atomics", "atomic_add atomic_max atomic_min atomic_and atomic_or atomic_xor atomic_xchg atomic_cas"),
                     ("Elementwise", "where add sub mul minimum maximum clamp abs exp exp2 log log2 sin cos sqrt sqrt_rn rsqrt "
                      "erf floor ceil sigmoid softmax fdiv div_rn fma umulhi cdiv map_elementwise inline_asm_elementwise"),
                     ("Matrix products", "dot dot_scaled"),
                     ("Over an axis", "sum max min argmax argmin xor_sum reduce_or reduce cumsum cumprod associative_scan "
                      "sort topk bitonic_merge gather histogram"),
                     ("Random numbers", "rand randn randint rand4x randn4x randint4x philox philox_impl uint_to_uniform_float "
                      "pair_uniform_to_normal"),
                     ("Loops", "range static_range condition"),
                     ("Hints", "multiple_of max_contiguous max_constancy assume debug_barrier"),
                     ("Debugging", "static_print static_assert device_print device_assert"),
                     ("Types and values", "dtype pointer_type block_type tensor tensor_descriptor constexpr const PropagateNan"),
                     ("Extending", "core.builtin core.constexpr_function core._aggregate core.must_use_result"),
                 ]),
}
MODULES = {
    "runtime": ("Kernels: jit, tuning, compiling", "What `import tessera` gives.", [
        ("Kernels", "runtime/jit.py", "jit JITFunction"),
        ("Tuning", "runtime/autotuner.py", "autotune Config heuristics Autotuner"),
        ("Compiling", "compiler/compiler.py", "compile ASTSource IRSource CompiledKernel AsmDict"),
        ("Compiling in the background", "runtime/_async_compile.py", "AsyncCompileMode FutureKernel"),
        ("Errors of a compile", "compiler/errors.py", "CompilationError CompileTimeAssertionFailure UnsupportedLanguageConstruct"),
        ("Errors of a launch", "runtime/errors.py", "OutOfResources InterpreterError PTXASError AutotunerError"),
        ("Tensors", "runtime/tensors.py", "reinterpret TensorWrapper MockTensor"),
        ("Memory", "runtime/_allocation.py", "set_allocator"),
        ("Devices", "runtime/driver.py", "DeviceDriver DeviceInterface DriverUtils"),
        ("On the host and in kernels", "_host_functions.py", "cdiv next_power_of_2"),
        ("PyTorch", "torch.py", "register mutated_args"),
    ]),
    "tools": ("Measuring, settings, tools", "", [
        ("Measuring", "testing.py", "do_bench do_bench_cudagraph assert_close perf_report Benchmark Mark Table"),
        ("Descriptors", "tools/tensor_descriptor.py", "TensorDescriptor"),
        ("Ahead of time", "tools/compile.py", "* compile_kernel"),
        ("Linking", "tools/link.py", "* link"),
        ("Number formats", "tools/mxfp.py", "MXFP4Tensor MXScaleTensor"),
        ("Settings", "knobs.py", "* base_knobs HookChain list_knobs"),
        ("The drop-in", "triton.py", "* install"),
        ("Profiler", "profiler/__init__.py", "* start activate deactivate finalize scope cpu_timed_scope enter_scope exit_scope state enter_state exit_state profile"),
        ("A whole program under the profiler", "profiler/proton.py", "*"),
    ]),
}


def block(docstring):
    """A docstring as Markdown: examples become code, the rest stays."""
    out, lines, i = [], inspect.cleandoc(docstring).splitlines(), 0
    while i < len(lines):
        line = lines[i]
        if line.strip() == "Example:":
            i += 1
            code = []
            while i < len(lines) and (lines[i].startswith(" ") or not lines[i].strip()):
                code.append(lines[i])
                i += 1
            out += ["```python", *textwrap.dedent("\n".join(code)).strip("\n").splitlines(), "```"]
            continue
        if line.startswith("    "):
            code = []
            while i < len(lines) and (lines[i].startswith("    ") or not lines[i].strip()):
                code.append(lines[i])
                i += 1
            while code and not code[-1].strip():
                code.pop()
            out += ["```python", *textwrap.dedent("\n".join(code)).splitlines(), "```", ""]
            continue
        out.append(line.replace("``", "`"))
        i += 1
    return "\n".join(out).rstrip() + "\n"


def signature(function):
    shown = [p for name, p in inspect.signature(function).parameters.items() if name not in ("_semantic", "_generator")]
    return str(inspect.Signature([p.replace(annotation=inspect.Parameter.empty) for p in shown]))


def language_entry(tl, name):
    value = tl
    for part in name.split("."):
        value = getattr(value, part)
    spelled = f"tl.{name}"
    problems = [] if value.__doc__ else [f"{spelled} has no docstring"]
    head = spelled if inspect.isclass(value) and not hasattr(value, "_name") else spelled + signature(value)
    return f"#### `{head}`\n\n{block(value.__doc__ or '')}\n", problems


def language_page(title, introduction, sections):
    import tessera.language as tl
    text, problems = f"# {title}\n\n{introduction}\n\n", []
    for heading, names in sections:
        text += f"## {heading}\n\n"
        for name in names.split():
            entry, bad = language_entry(tl, name)
            text += entry
            problems += bad
    libdevice = tl.extra.libdevice
    text += f"## The device library\n\n{block(libdevice.__doc__)}\n"
    for count in (1, 2, 3, 4):
        names = [n for n in libdevice.__all__ if len(inspect.signature(getattr(libdevice, n)).parameters) == count + 1]
        text += f"Of {count} operand{'s' if count > 1 else ''}: {' '.join(f'`{n}`' for n in names)}\n\n"
    return text, problems


def module_page(title, introduction, sections):
    text, problems = f"# {title}\n\n" + (f"{introduction}\n\n" if introduction else ""), []
    for heading, file, names in sections:
        tree = ast.parse((PACKAGE / file).read_text())
        module = "tessera." + file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        text += f"## {heading}\n\n`{module}`\n\n"
        nodes = {node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        for name in names.split():
            if name == "*":
                text += block(ast.get_docstring(tree)) + "\n"
                continue
            node = nodes[name]
            doc = ast.get_docstring(node)
            if not doc:
                problems.append(f"{module}.{name} has no docstring")
            text += f"#### `{head(node)}`\n\n{block(doc or '')}\n"
            if isinstance(node, ast.ClassDef):
                text += methods(node)
    return text, problems


def head(node):
    function = node
    if isinstance(node, ast.ClassDef):
        function = next((n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None)
    if function is None:
        return node.name
    arguments = ast.unparse(strip(function.args))
    return f"{node.name}({arguments.removeprefix('self, ').removeprefix('self')})"


def strip(arguments):
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        argument.annotation = None
    return arguments


def methods(node):
    text = ""
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and not method.name.startswith("_") and ast.get_docstring(method):
            text += f"- `{head(method)}`: " + " ".join(block(ast.get_docstring(method)).split("\n\n")[0].split()) + "\n"
    return text + ("\n" if text else "")


def main(check):
    problems, stale = [], []
    PAGES.mkdir(parents=True, exist_ok=True)
    for table, make in ((LANGUAGE, language_page), (MODULES, module_page)):
        for name, row in table.items():
            text, bad = make(*row)
            text = text.rstrip() + "\n"
            problems += bad
            page = PAGES / f"{name}.md"
            if check and (not page.exists() or page.read_text() != text):
                stale.append(f"{page.relative_to(ROOT)} is not what the docstrings give: run docs/generate_python_reference.py")
            elif not check:
                page.write_text(text)
    print("\n".join(problems + stale))
    print(f"{len(LANGUAGE) + len(MODULES) - len(stale)} passed, {len(stale) + len(problems)} failed")
    return 1 if problems or stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))
