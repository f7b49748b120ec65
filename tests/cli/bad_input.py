#!/usr/bin/env python3
# bad_input.py - every kind of wrong input gives one clear message, the documented exit code, and leaves no file behind
# SPDX-License-Identifier: Apache-2.0
"""usage: bad_input.py BIN_DIR. The last line is `N passed, N failed`."""
import json
import os
import pathlib
import shlex
import signal
import struct
import subprocess
import sys
import tempfile
import time

BIN = pathlib.Path(sys.argv[1]).resolve()
TMP = pathlib.Path(tempfile.mkdtemp(prefix="tessera-bad-input-"))
KERNEL = '''import triton
import triton.language as tl


@triton.jit
def copy(x_ptr, y_ptr, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(y_ptr + i, tl.load(x_ptr + i, mask=i < n), mask=i < n)


def plain(x):
    return x
'''
passed = failed = 0


def npy(path, descr, shape, data):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (64 - (10 + len(header) + 1) % 64) + b"\n"
    (TMP / path).write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data)
    return str(TMP / path)


def kernel(name, text):
    (TMP / name).write_text(text)
    return str(TMP / name)


def case(name, arguments, code, *needles, env=None, once=(), absent=(), shell="%s"):
    """Runs tessera; the exit code must be `code` and stderr must contain every needle, nothing of `absent`, no stack trace, nothing endless.
    `shell`: a line of sh around it."""
    global passed, failed
    before = set(p.name for p in TMP.iterdir())
    done = subprocess.run(["sh", "-c", shell % shlex.join([str(BIN / "tessera"), *arguments])], capture_output=True, text=True, cwd=TMP,
                          timeout=120, env=dict(os.environ, TESSERA_CACHE_DIR=str(TMP / "cache"), **(env or {})))
    problems = []
    if done.returncode != code:
        problems.append(f"exit code {done.returncode}, not {code}")
    for n in needles:
        if n.lower() not in done.stderr.lower():
            problems.append(f"the message lacks {n!r}")
    for n in once:
        shown = [l for l in done.stderr.splitlines() if n in l and not l.lstrip()[:1].isdigit()]  # but for the excerpt of the source
        if len(shown) != 1:
            problems.append(f"{n!r} is said {len(shown)} times")
    for bad in (*absent, "Stack dump", "PLEASE submit", "Assertion", "terminate called", "Traceback", "Segmentation"):
        if bad in done.stderr:
            problems.append(f"the message has {bad!r}")
    if code and len(done.stderr.splitlines()) > 40:
        problems.append("the message is longer than 40 lines")
    left = set(p.name for p in TMP.iterdir()) - before - {"cache"}
    if code and left:
        problems.append(f"files left behind: {sorted(left)}")
    if problems:
        failed += 1
        print(f"FAIL {name}: {'; '.join(problems)}\n  command: {' '.join(arguments)}\n" + "\n".join("  | " + l for l in done.stderr.splitlines()[:20]))
    else:
        passed += 1


def check(name, holds):
    global passed, failed
    passed += bool(holds)
    failed += not holds
    if not holds:
        print(f"FAIL {name}")


def body(text):
    """A kernel with these statements."""
    indented = "\n".join("    " + l for l in text.splitlines())
    return f"import triton\nimport triton.language as tl\n\n\n@triton.jit\ndef k(x_ptr, n, BLOCK: tl.constexpr):\n{indented}\n"


good = kernel("copy.py", KERNEL)
x = npy("x.npy", "<f4", "(64,)", struct.pack("<64f", *range(64)))
RUN = ["run", good + ":copy", "--grid", "1", "-D", "BLOCK=64"]
ARGS = ["--arg", x, "--arg", "*fp32[64]", "--arg", "64"]
COMPILE = ["-s", "*fp32:16, i32", "-D", "BLOCK=64", "--target", "x86-64-v3", "--emit", "tile"]
TILE = ["compile", good + ":copy", "-s", "*fp32, *fp32, i32", "-D", "BLOCK=64", "--target", "x86-64-v3", "--emit", "tile"]

case("a good run", RUN + ARGS + ["--out", "y_ptr=" + str(TMP / "y.npy")], 0)
case("a good run, plain --out", RUN + ARGS + ["--out", str(TMP / "z.npy")], 0)
# What is no regular file is written through, never replaced (as root, a rename would put a file where /dev/null was).
(TMP / "real.mlir").touch()
(TMP / "link.mlir").symlink_to("real.mlir")
case("output through a link", ["compile", good + ":copy", "-s", "*fp32, *fp32, i32", "-D", "BLOCK=64", "--emit", "tile", "-o", str(TMP / "link.mlir")], 0)
case("options of code generation", ["compile", good + ":copy", "-s", "*fp32, *fp32, i32", "-D", "BLOCK=64", "--emit", "tbc", "--no-fp-fusion", "--debug", "-O", "1"], 0)
assert (TMP / "link.mlir").is_symlink() and (TMP / "real.mlir").stat().st_size or failed, "the link was replaced"
assert (TMP / "z.npy").exists() or failed, "the output was not written"

# The kernel's file.
case("no such file", ["compile", "nothing.py"], 1, "nothing.py", "E0302")
case("not a kernel", ["compile", good + ":plain", *COMPILE], 1, "plain", "E0201")
case("no such kernel", ["compile", good + ":copi", *COMPILE], 1, "copi")
case("syntax error", ["compile", kernel("syntax.py", "import triton\n@triton.jit\ndef k(x:\n    pass\n")], 1, "syntax.py:3", "^")
case("empty file", ["compile", kernel("empty.py", "")], 1, "empty.py")
case("unknown name", ["compile", kernel("name.py", body("tl.store(x_ptr, foo)")), *COMPILE], 1, "foo", "name.py:7", "^")
case("unknown tl name", ["compile", kernel("tlname.py", body("tl.store(x_ptr, tl.zeross([BLOCK], tl.float32))")), *COMPILE], 1, "zeross", "zeros", "^")
case("wrong types", ["compile", kernel("types.py", body("tl.store(x_ptr, x_ptr + 1.5)")), *COMPILE], 1, "types.py:7", "^")
case("two pointers added", ["compile", kernel("ptrs.py", body("a = x_ptr + x_ptr")), *COMPILE], 1, "cannot add pointers together", "^")
case("shape no power of two", ["compile", kernel("pow2.py", body("i = tl.arange(0, 100)")), *COMPILE], 1, "power of 2", "pow2.py:7")
case("block too large", ["compile", kernel("large.py", body("i = tl.zeros([2048, 1024], tl.float32)")), *COMPILE], 1, "1048576")
case("shapes that do not fit", ["compile", kernel("shapes.py", body("a = tl.arange(0, 64) + tl.arange(0, 32)")), *COMPILE], 1, "incompatible", "shapes.py:7")
case("swapped letters", ["compile", kernel("swapped.py", body("tl.stroe(x_ptr, 1.0)")), *COMPILE], 1, "E0202", "`stroe`", "did you mean `store`?")
case("unknown name without a like", ["compile", kernel("undefined.py", body("tl.store(x_ptr, undefined_name)")), *COMPILE], 1, "E0202", "help: assign it before")
case("a pointer in arithmetic", ["compile", kernel("pointer.py", body("a = x_ptr * n")), *COMPILE], 1, "E0203", "tl.load")
case("bits of a float", ["compile", kernel("bits.py", body("a = tl.load(x_ptr) >> 1")), *COMPILE], 1, "E0203", ".to(tl.int32)")
(TMP / "latin.py").write_bytes(body("# caf\xe9\ntl.store(x_ptr, 1.0)").encode("latin-1"))
case("bytes that are no UTF-8 in a comment", ["compile", str(TMP / "latin.py"), *COMPILE], 1, "E0102", "latin.py:7:10", "save the file as UTF-8", once=("E0102",))
(TMP / "latin2.py").write_bytes(body("tl.device_print('\xff\xfe', n)").encode("latin-1"))
case("bytes that are no UTF-8 in a string", ["compile", str(TMP / "latin2.py"), *COMPILE], 1, "E0102", "latin2.py:7:22", "save the file as UTF-8", once=("E0102",))
case("several errors a run", ["compile", kernel("several.py", body("a = foo\nb = bar\ntl.store(x_ptr, 1.0)")), *COMPILE], 1, "foo", "bar")
case("unknown tl name beside a value in error", ["compile", kernel("beside.py", body("a = foo\nb = a + tl.zeross([BLOCK], tl.float32)\ntl.store(x_ptr, b)")), *COMPILE],
     1, "foo", "zeross", "did you mean `zeros`?", "beside.py:8")
case("break outside of a loop", ["compile", kernel("break.py", body("if n > 0:\n    break\ntl.store(x_ptr, 1.0)")), *COMPILE], 1, "E0101", "'break' outside loop", "break.py:8:9", "^")
case("continue outside of a loop", ["compile", kernel("continue.py", body("continue")), *COMPILE], 1, "'continue' not properly in loop", "continue.py:7")
case("static_assert", ["compile", kernel("assert.py", body("tl.static_assert(BLOCK == 32, 'BLOCK must be 32')")), *COMPILE], 1, "BLOCK must be 32")
case("loop-carried type", ["compile", kernel("carried.py", body("a = 1\nfor i in range(n):\n    a = a + 1.5\ntl.store(x_ptr, a)")), *COMPILE], 1,
     "Loop-carried variable a", "carried.py")
case("error inside a callee", ["compile", kernel("callee.py", "import triton\nimport triton.language as tl\n\n@triton.jit\ndef f(x):\n    return x + nope\n\n"
     "@triton.jit\ndef k(x_ptr, n, BLOCK: tl.constexpr):\n    tl.store(x_ptr, f(1.0))\n") + ":k", *COMPILE], 1, "nope", "callee.py:6", "callee.py:10")

# Signatures and arguments.
case("missing signature", ["compile", good + ":copy", "--emit", "tile"], 1, "x_ptr", "--signature")
case("unknown -D", ["compile", good + ":copy", "-D", "BLOK=64"], 1, "BLOK", "BLOCK")
case("missing constexpr", ["run", good + ":copy", "--grid", "1", *ARGS], 1, "BLOCK")
case("too few arguments", RUN + ARGS[:4], 1, "E0305", "n")
case("too many arguments", RUN + ARGS + ["--arg", "1"], 1, "E0305")
case("missing npy", RUN + ["--arg", "none.npy", "--arg", "*fp32[64]", "--arg", "64"], 1, "none.npy")
case("npy that is none", RUN + ["--arg", kernel("bad.npy", "hello, world, this is text"), "--arg", "*fp32[64]", "--arg", "64"], 1, "bad.npy", "E0303")
case("truncated npy", RUN + ["--arg", npy("short.npy", "<f4", "(64,)", b"\0" * 100), "--arg", "*fp32[64]", "--arg", "64"], 1, "truncated")
case("npy with a huge header", RUN + ["--arg", npy("huge.npy", "<f4", "(99999999999, 99999999999)", b""), "--arg", "*fp32[64]", "--arg", "64"], 1, "huge.npy")
case("npy of complex numbers", RUN + ["--arg", npy("c.npy", "<c8", "(4,)", b"\0" * 32), "--arg", "*fp32[64]", "--arg", "64"], 1, "<c8")
case("npy as a type of another width", RUN + ["--arg", "*bf16:" + x, "--arg", "*fp32[64]", "--arg", "64"], 1, "bytes")
case("array for a scalar", RUN + ["--arg", x, "--arg", "*fp32[64]", "--arg", x], 1)
case("not a number", RUN + ["--arg", x, "--arg", "*fp32[64]", "--arg", "many"], 1, "many", "E0211")
case("unknown type", RUN + ["--arg", x, "--arg", "*fp33[64]", "--arg", "64"], 1, "fp33")
case("--out of no parameter", RUN + ARGS + ["--out", "zz=" + str(TMP / "o.npy")], 1, "zz")
case("--out that cannot be written", RUN + ARGS + ["--out", "y_ptr=/nonexistent/y.npy"], 1, "/nonexistent/y.npy")

for name, descr, shape, needle in (("Python objects", "|O", "(4,)", "Python objects"), ("a shape beyond 64 bits", "<f4", "(18446744073709551615, 2)", "64 bits"),
                                   ("a product beyond 64 bits", "<f4", "(4611686018427387904, 4)", "64 bits"), ("a negative side", "<f4", "(-4,)", "negative"),
                                   ("big-endian numbers", ">f4", "(4,)", ">f4"), ("strings", "<U4", "(4,)", "<U4")):
    case(f"npy with {name}", RUN + ["--arg", npy("header.npy", descr, shape, b"\0" * 64), "--arg", "*fp32[64]", "--arg", "64"], 1, "E0303", "header.npy", needle)
def structured(name):
    header = b"{'descr': [('a', '<f4'), ('b', '<i4', (2,))], 'fortran_order': False, 'shape': (4,), }".ljust(117) + b"\n"
    (TMP / name).write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"\0" * 64)
    return str(TMP / name)


case("npy of records", RUN + ["--arg", structured("records.npy"), "--arg", "*fp32[64]", "--arg", "64"], 1, "E0303", "records.npy", "[('a', '<f4'), ('b', '<i4', (2,))]", "array['name']")
for number in ("u8:-1", "i8:128", "i8:-129", "u16:65536", "i32:2147483648", "i64:9223372036854775808", "u64:-1"):
    case(f"{number} is out of range", RUN + ["--arg", x, "--arg", "*fp32[64]", "--arg", number], 1, "E0211", f"{number.split(':')[1]} is no value of type {number.split(':')[0]}")
for number in ("u8:255", "i8:-128", "i8:127", "u64:18446744073709551615", "i64:-9223372036854775808"):
    case(f"{number} is in range", RUN + ["--arg", x, "--arg", "*fp32[64]", "--arg", number], 0)

# With a signature the arguments are what it says.
for signature, code, *needles in (("*fp32, *fp32, i32", 0), ("*fp32:16, *fp32:16, i32:16", 0), ("*kfp32, *fp32, i64", 0), ("n=i16", 0), ("*fp32, *fp32, i32, 64", 0),
                                  ("*fp64, *fp32, i32", 1, "E0304", "astype", "x.npy", "of type *fp32", "says *fp64", "x_ptr"), ("fp32, *fp32, i32", 1, "E0211", "x_ptr"),
                                  ("*fp32, *fp32, *i32", 1, "'64' is of type i32", "says *i32"), ("*fp32, *fp32, i32:1", 1, "'64' is not 1"), ("n=i4", 1), ("*fp32, *fp3", 1, "E0221")):
    case(f"run with the signature {signature}", ["run", good + ":copy", "-s", signature, *(["-D", "BLOCK=64"] if signature[-4:] != ", 64" else []), *ARGS], code, *needles)
case("a float for an integer of the signature", RUN + ["-s", "n=i32", *ARGS[:4], "--arg", "2.5"], 1, "E0211", "'2.5' is no value of type i32")
case("no multiple of 16, against the signature", RUN + ["-s", "n=i32:16", *ARGS[:4], "--arg", "63"], 1, "E0211", "'63' is no multiple of 16")

# Outputs that cannot be written: all of a command's files or none, and standard output is looked at, too.
ASM = ["compile", good + ":copy", "-s", "*fp32, *fp32, i32", "-D", "BLOCK=64", "--target", "x86-64-v3", "--emit", "asm"]
case("two outputs, the second cannot be written", RUN + ARGS + ["--out", f"y_ptr={TMP / 'first.npy'}", "--out", "x_ptr=/nonexistent/x.npy"], 1, "E0307", "/nonexistent/x.npy")
case("the same in the interpreter", RUN + ARGS + ["--interpret", "--out", f"y_ptr={TMP / 'first.npy'}", "--out", "x_ptr=/nonexistent/x.npy"], 1, "E0307")
(TMP / "stem.ll").mkdir()
case("several outputs, one is a folder", [*ASM[:-1], "asm,llvm,obj", "-o", "stem"], 1, "E0307", "stem.ll")
case("output that is a folder", [*ASM, "-o", "."], 1, "E0307", "directory")
case("a limit on the size of files", [*ASM, "-o", "limited.s"], 1, "E0307", "limited.s", shell="ulimit -f 1; %s")
case("a limit on the size of files, of an array", RUN + ["--arg", x, "--arg", "*fp32[64000]", "--arg", "64", "--out", "limited.npy"], 1, "E0307", shell="ulimit -f 1; %s")
case("a full device", [*ASM, "-o", "/dev/full"], 1, "E0307", "/dev/full", "No space left")
case("dumps below a file", [*ASM, "-o", "dumped.s", "--dump-ir=all", f"--dump-dir={good}"], 1, "E0307", "00-lower-descriptors.mlir", "directory")
(TMP / "dumps").mkdir()
case("dumps beyond a limit", [*ASM, "-o", "dumped.s", "--dump-ir=all", f"--dump-dir={TMP / 'dumps'}"], 1, "E0307", "00-lower-descriptors.mlir", shell="ulimit -f 1; %s")
check("of a dump nothing is left", not list((TMP / "dumps").iterdir()))
prints = kernel("prints.py", body("tl.device_print('a', tl.arange(0, BLOCK))"))
for what, arguments in (("code", ASM), ("targets", ["targets"]), ("plugins", ["plugins", "--json"]), ("stats", ["cache", "stats"]), ("help", ["compile", "--help"]),
                        ("version", ["--version"]), ("times", RUN + ARGS + ["--time", "2"]), ("prints", ["run", prints + ":k", "-D", "BLOCK=4", "--arg", x, "--arg", "5"])):
    case(f"{what}: a full device as standard output", arguments, 1, "E0307", "standard output", shell="%s > /dev/full", once=("standard output",))
    case(f"{what}: closed standard output", arguments, 1, "E0307", "standard output", shell="%s >&-")
case("no standard output for what prints nothing", [*ASM[:-1], "obj", "-o", str(TMP / "silent.o")], 0, shell="%s >&-")



def interrupted(number):
    """A signal while an array is written: it takes effect, and nothing is left."""
    global passed, failed
    job = subprocess.Popen([str(BIN / "tessera"), *RUN, "--arg", x, "--arg", "*fp32[64000000]", "--arg", "64", "--out", "large.npy"], cwd=TMP,
                           stderr=subprocess.DEVNULL, env=dict(os.environ, TESSERA_CACHE_DIR=str(TMP / "cache")))
    while job.poll() is None and not list(TMP.glob("large.npy*")):
        time.sleep(0.001)
    job.send_signal(number)
    job.wait(timeout=120)
    left = [p.name for p in TMP.glob("large.npy*")]
    ok = job.returncode == -number and not left
    passed, failed = passed + ok, failed + (not ok)
    if not ok:
        print(f"FAIL signal {number} while an array is written: exit code {job.returncode}, left: {left}")


for number in (signal.SIGINT, signal.SIGTERM):
    interrupted(number)

# Grids.
case("grid of zero", ["run", good + ":copy", "--grid", "0", "-D", "BLOCK=64", *ARGS], 0)
case("negative grid", ["run", good + ":copy", "--grid=-1", "-D", "BLOCK=64", *ARGS], 1, "E0306", "-1")
case("empty grid", ["run", good + ":copy", "--grid=", "-D", "BLOCK=64", *ARGS], 1, "E0306", "grid ''")
case("an option without its value", [*TILE, "--num-warps="], 2, "E0301", "--num-warps")
case("malformed grid", ["run", good + ":copy", "--grid", "1,2,3,4", "-D", "BLOCK=64", *ARGS], 1, "E0306")

# Targets and plugins.
case("unknown target", ["compile", good + ":copy", "-s", "*fp32, *fp32, i32", "-D", "BLOCK=64", "--target", "x86-64-v9"], 4, "x86-64-v9", "x86-64-v")
case("unknown plugin", ["compile", good + ":copy", "-s", "*fp32, *fp32, i32", "-D", "BLOCK=64", "--target", "acme/x"], 4, "acme")
if "avx512f" not in pathlib.Path("/proc/cpuinfo").read_text():
    case("a target that this processor cannot run", [*RUN, *ARGS, "--target=x86-64-v4", "--time-passes"], 4, "E0405", "x86-64-v4", "this processor is", "--target=native",
         absent=("simplify",))
FAKE_CUDA = BIN.parent / "fake_cuda"  # a GPU in software, of compute capability 9.0
if FAKE_CUDA.is_dir():
    for target in ("compute_100", "sm_100a"):
        case(f"{target} on another GPU", [*RUN, *ARGS, f"--target={target}", "--time-passes"], 4, "E0405", target, "sm_90a", "--target=native",
             env={"LD_LIBRARY_PATH": str(FAKE_CUDA)}, absent=("simplify",))
case("unknown emit", ["compile", good + ":copy", "--emit", "assembly"], 2, "assembly")
case("unknown option", ["compile", good, "--frobnicate"], 2, "E0301", "--frobnicate", "tessera compile --help")
case("unknown command", ["comple", good], 2, "E0301", "'comple'", "did you mean 'compile'?")
case("unknown command of cache", ["cache", "state"], 2, "'state'", "did you mean 'stats'?")
case("warps that are no power of two", ["compile", good + ":copy", "--num-warps", "3"], 2, "--num-warps", "power of two")
case("no launches to time", ["bench", good + ":copy", "--repeats", "0"], 2, "--repeats")
case("array beyond memory", RUN + ["--arg", "*fp32[500000000000]", "--arg", "*fp32[64]", "--arg", "64"], 1, "2000000000000 bytes")
case("number beyond 64 bits", RUN + ["--arg", x, "--arg", "*fp32[64]", "--arg", "9" * 30], 1, "64 bits")
case("unknown type in a signature", ["compile", good + ":copy", "-s", "*fp3, *fp32, i32", "-D", "BLOCK=64"], 1, "*fp3", "E0221")
case("no command", [], 2)
case("unknown stage", ["compile", good + ":copy", "-s", "*fp32, *fp32, i32", *COMPILE[2:], "--dump-ir=simplify,merg"], 2,
     "E0301", "'merg'", "did you mean 'merge'?", "lower-block-pointers", "assign-layouts", "all")
case("effort of 7", ["compile", good + ":copy", "-O", "7"], 2, "-O", "7", "1", "3")
case("effort that is no number", ["compile", good + ":copy", "-O", "fast"], 2, "-O", "fast")

# What would do nothing is no option, and what contradicts itself is said.
case("run --save-temps", [*RUN, *ARGS, f"--save-temps={TMP / 'temps'}"], 2, "E0301", "--save-temps")
case("compile --no-cache", [*TILE, "--no-cache"], 2, "E0301", "--no-cache")
case("-D twice", [*TILE, "-D", "BLOCK=32"], 2, "E0301", "-D BLOCK is given twice: 64 and 32")
case("run -D twice", [*RUN, *ARGS, "-DBLOCK=64"], 2, "E0301", "-D BLOCK is given twice: 64 and 64")
case("--interpret for an unknown target", [*RUN, *ARGS, "--interpret", "--target=x86-64-v9"], 4, "E0401", "x86-64-v9", "did you mean")
case("--interpret for two targets", [*RUN, *ARGS, "--interpret", "--target=mock,simt"], 2, "E0301", "one --target")
case("--interpret with --time", [*RUN, *ARGS, "--interpret", "--time", "3"], 2, "E0301", "--time", "--interpret")
case("--interpret for a known target", [*RUN, *ARGS, "--interpret", "--target=mock"], 0)
(TMP / "some.tile").touch()
for option in (["-D", "BLOCK=64"], ["-s", "*fp32"]):
    case(f"--from-tile with {option[0]}", ["compile", "--from-tile", str(TMP / "some.tile"), "--target=mock", *option], 2, "E0301", "--from-tile")
for value in ("abc", "2X", "2GB", "-1", "G"):
    case(f"TESSERA_CACHE_LIMIT={value}", RUN + ARGS, 2, "E0301", "TESSERA_CACHE_LIMIT", f"`{value}`", env={"TESSERA_CACHE_LIMIT": value})
case("cache stats with a limit that is none", ["cache", "stats"], 2, "E0301", "TESSERA_CACHE_LIMIT", env={"TESSERA_CACHE_LIMIT": "abc"})
for value in ("500M", "1000000", "0"):
    case(f"TESSERA_CACHE_LIMIT={value}", RUN + ARGS, 0, env={"TESSERA_CACHE_LIMIT": value})
for value in ("abc", "0", "-3", "2x"):
    case(f"TESSERA_COMPILE_WORKERS={value}", TILE, 2, "E0301", "TESSERA_COMPILE_WORKERS", f"`{value}`", env={"TESSERA_COMPILE_WORKERS": value}, once=("E0301",))
for value in ("1", "99999999999999999999999"):
    case(f"TESSERA_COMPILE_WORKERS={value}", [*TILE, "-o", "-"], 0, env={"TESSERA_COMPILE_WORKERS": value})

# A plugin without a device lists its targets and says why; one whose driver cannot be used does not stop the others.
def listed(command, env=None):
    done = subprocess.run([str(BIN / "tessera"), command, "--json"], capture_output=True, text=True, timeout=120,
                          env=dict(os.environ, TESSERA_CACHE_DIR=str(TMP / "cache"), **(env or {})))
    return json.loads(done.stdout) if done.returncode == 0 else []


rows = {row["target"]: row for row in listed("targets")}
check("targets: the processor is a device", rows["x86-64-v3"]["devices"] and not rows["x86-64-v3"]["no_device"])
check("targets: no device, and why", not rows["null"]["devices"] and "no null device" in rows["null"]["no_device"])
check("targets: the same reason for all of a plugin", rows["sm_90a"]["no_device"] == rows["compute_90"]["no_device"])
check("targets: devices, or a reason", bool(rows["sm_90a"]["devices"]) != bool(rows["sm_90a"]["no_device"]))
drivers = TMP / "drivers"
drivers.mkdir()
(drivers / "broken.tessera.json").write_text('{"format": 1, "name": "broken", "version": "1.0", "driver": "%s", "targets": [{"name": "broken"}]}'
                                             % (BIN.parent / "lib" / "hostile" / "libhostile_init_fails.so"))
rows = {row["name"]: row for row in listed("plugins", {"TESSERA_ADD_PLUGINS": str(drivers)})}
check("plugins: one that fails beside one that works", not rows["broken"]["devices"] and rows["cpu"]["devices"])

# What a plugin warns of has the id of a warning.
case("an option that the target does not know", [*TILE[:-4], "--target", "x86-64-v3@foo=1", "--emit", "asm"], 0, "warning[W0905]", "foo")

# Plugins that are missing, truncated, malformed.
plugins = TMP / "plugins"
plugins.mkdir()
env = {"TESSERA_PLUGINS": str(plugins)}
TARGET = ["compile", good + ":copy", "-s", "*fp32, *fp32, i32", "-D", "BLOCK=64", "--target", "x86-64-v3", "--emit", "asm"]
case("no plugin at all", TARGET, 4, "x86-64-v3", env=env)
manifest = '{"format": 1, "name": "cpu", "version": "0.1.0", "compiler": "%s", "targets": [{"name": "x86-64-v3", "help": "t"}]}'
(plugins / "cpu.tessera.json").write_text(manifest % "libmissing.so")
case("plugin library missing", TARGET, 4, "libmissing.so", env=env)
library = (BIN.parent / "lib" / "libtessera_cpu.so").read_bytes()
(plugins / "libshort.so").write_bytes(library[:5000])
(plugins / "cpu.tessera.json").write_text(manifest % "libshort.so")
case("plugin library truncated", TARGET, 4, "libshort.so", env=env)
(plugins / "libtext.so").write_text("this is no library")
(plugins / "cpu.tessera.json").write_text(manifest % "libtext.so")
case("plugin library that is none", TARGET, 4, "libtext.so", env=env)
(plugins / "cpu.tessera.json").write_text('{"format": 1, "name": ')
case("malformed manifest", TARGET, 4, "cpu.tessera.json", env=env)

# Plugins that are of another version, that throw, that lie (tests/abi/hostile; tests/abi/loader_refusals.cpp has them all).
HOSTILE = ["compile", good + ":copy", "-s", "*fp32, *fp32, i32", "-D", "BLOCK=64", "--target", "hostile", "--emit", "asm", "-o", str(TMP / "hostile.s")]
(plugins / "cpu.tessera.json").unlink()
for rule, needle in (("other_major", "major 7 of the plugin ABI"), ("other_build", "rebuild the plugin"), ("future_bytecode", "reads bytecode 5.0"),
                     ("no_note", "is no Tessera plugin"), ("init_fails", "licence server"), ("refuses", "blue logo"),
                     ("throws_in_negotiate", "threw a C++ exception"), ("throws_in_parse", "threw a C++ exception"),
                     ("throws_in_compile", "threw a C++ exception"), ("no_artifact", "0 artifacts"), ("null_message", "without a text")):
    (plugins / "hostile.tessera.json").write_text('{"format": 1, "name": "hostile", "version": "1.0", "compiler": "%s", "targets": [{"name": "hostile"}]}'
                                                  % (BIN.parent / "lib" / "hostile" / f"libhostile_{rule}.so"))
    case(f"plugin that {rule}", HOSTILE, 4, "plugin hostile", needle, env=env)

# In the interpreter: memory errors have the kernel's line.
case("out of bounds in the interpreter",
     ["run", good + ":copy", "--interpret", "--grid", "2", "-D", "BLOCK=64", "--arg", x, "--arg", "*fp32[64]", "--arg", "100"], 1, "copy.py:8", "x_ptr")

# A fault on a device that has no lines: what to do.
FAULT = ["run", kernel("fault.py", body("tl.store(x_ptr + (n.to(tl.int64) << 40) + tl.arange(0, BLOCK), 1.0)")) + ":k", "-D", "BLOCK=64", "--arg", x, "--arg", "7"]
case("a fault on the processor", [*FAULT, "--target=host"], 1, "E0605", "kernel `k`, program (0, 0, 0)", "--interpret")
case("a fault on mock", [*FAULT, "--target=mock"], 1, "E0605", "fault.py:7", "--interpret")
case("the same in the interpreter", [*FAULT, "--interpret"], 1, "fault.py:7", "x_ptr")

# A failed assertion: once, on the device as in the interpreter, and its line.
checks = kernel("checks.py", body("tl.device_assert(n > 100, 'n is small')"))
for where in ([], ["--interpret"], ["--target", "mock"]):
    case(f"device_assert {' '.join(where)}", ["run", checks + ":k", *where, "--debug", "--grid", "1", "-D", "BLOCK=64", "--arg", x, "--arg", "5"], 1,
         "E0602", "n is small", "checks.py:7", once=("n is small",))

# The same inside of a combiner, of a reduction and of a scan.
for call, store in (("tl.reduce(v, 0, larger)", "tl.store(y_ptr, r)"), ("tl.associative_scan(v, 0, larger)", "tl.store(y_ptr + i, r)")):
    combines = kernel("combines.py", f"""import triton
import triton.language as tl
@triton.jit
def larger(a, b):
    tl.device_assert((a > 0) & (b > 0), 'not positive')
    return tl.maximum(a, b)
@triton.jit
def k(y_ptr, start, BLOCK: tl.constexpr):
    i = tl.arange(0, BLOCK)
    v = i + start
    r = {call}
    {store}
""")
    for where in ([], ["--interpret"], ["--target", "mock"]):
        run = ["run", combines + ":k", *where, "--debug", "--grid", "1", "-D", "BLOCK=64", "--arg", "*i32[64]", "--arg"]
        case(f"device_assert in {call[3:9]} {' '.join(where)}", [*run, "0"], 1, "E0602", "not positive", "combines.py:5", once=("not positive",))
        case(f"device_assert in {call[3:9]} that holds {' '.join(where)}", [*run, "1"], 0)

print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
