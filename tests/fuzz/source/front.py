# front.py - what a front end says about the kernels of a file: Triton's own or, through the drop-in, this one
# SPDX-License-Identifier: Apache-2.0
"""usage: python front.py CASES.json RESULTS.json          with triton importable
       python -m tessera.triton front.py CASES.json RESULTS.json

CASES: {"file": a Python file, "cases": [{"name": kernel, "signature": {parameter: type}, "constexprs": {parameter: value}}]}.
RESULTS: for each case {"ok", "prints" (what static_print wrote), "error", "place" (line and column in the file), "message"}.
Nothing is compiled beyond the first IR, so no device is needed."""
import contextlib
import importlib.util
import io
import json
import os
import re
import sys
import warnings

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource, make_backend

TARGET = GPUTarget("cuda", 90, 32)


def front_end():
    backend = make_backend(TARGET)
    options = backend.parse_options({})
    try:
        from triton._C.libtriton import ir
        ir.load_dialects
    except (ImportError, AttributeError):
        return lambda source: source.make_ir(TARGET, options, {}, {}, None)

    def make(source):
        context = ir.context()
        ir.load_dialects(context)
        backend.load_dialects(context)
        module = source.make_ir(TARGET, options, backend.get_codegen_implementation(options), backend.get_module_map(), context)
        if not module.verify():
            raise RuntimeError("the module does not verify")
        return module

    return make


def innermost(error):
    while getattr(error, "__cause__", None) is not None and hasattr(error.__cause__, "src"):
        error = error.__cause__
    return error


def judge(make, module, case, with_ir):
    out = io.StringIO()
    result = {"ok": True}
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            ir = make(ASTSource(getattr(module, case["name"]), case["signature"], case.get("constexprs", {})))
        if with_ir:
            result["ir"] = str(ir)
    except Exception as error:
        text = str(error)
        head = re.match(r"at (\d+):(\d+):", text)
        result = {"ok": False, "kind": type(error).__name__, "error": text}
        result["place"] = [int(head[1]), int(head[2])] if head else None
        # The caret's line and what follows it.
        parts = re.split(r"^ *\^$", text, maxsplit=1, flags=re.M)
        result["message"] = parts[-1].strip()
        deepest = innermost(error)
        if deepest is not error:
            result["inner"] = str(deepest)
    result["prints"] = out.getvalue()
    return result


def main(cases, results):
    warnings.simplefilter("ignore")
    table = json.load(open(cases))
    spec = importlib.util.spec_from_file_location("fuzz_kernels", table["file"])
    module = importlib.util.module_from_spec(spec)
    sys.modules["fuzz_kernels"] = module
    spec.loader.exec_module(module)
    make = front_end()
    # A crash of a front end is a result, too: work goes on behind what was being judged.
    done = 0
    with open(results, "w") as out:
        while done < len(table["cases"]):
            out.flush()
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(reader)
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
                with os.fdopen(writer, "w") as pipe:
                    for case in table["cases"][done:]:
                        pipe.write(json.dumps(judge(make, module, case, table.get("ir"))) + "\n")
                        pipe.flush()
                os._exit(0)
            os.close(writer)
            with os.fdopen(reader) as pipe:
                for line in pipe:
                    out.write(line)
                    done += 1
            os.waitpid(child, 0)
            if done < len(table["cases"]):
                out.write('{"ok": false, "kind": "crash", "prints": "", "error": "crash", "message": "crash", "place": null}\n')
                done += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
