#!/usr/bin/env python3
# options.py - what shows the way through: dumps, times, temporary files, JSON, colours, measured launches, the cache
# SPDX-License-Identifier: Apache-2.0
"""usage: options.py BIN_DIR KERNELS. The last line is `N passed, N failed`."""
import json
import os
import pathlib
import pty
import re
import subprocess
import sys
import tempfile

BIN, KERNELS = (pathlib.Path(p).resolve() for p in sys.argv[1:3])
TMP = pathlib.Path(tempfile.mkdtemp(prefix="tessera-options-"))
ENV = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TESSERA_CACHE_LIMIT")} | {"TESSERA_CACHE_DIR": str(TMP / "cache")}
ADD = [f"{KERNELS / 'vector_add.py'}:add_kernel", "-D", "BLOCK_SIZE=1024"]
COMPILE = ["compile", *ADD, "-s", "*fp32:16, *fp32:16, *fp32:16, i32", "--emit", "tile"]
LAYOUT = [*COMPILE[:-1], "layout", "--target=mock"]
CPU = [*COMPILE[:-2], "--target=x86-64-v3", "--emit", "asm"]
LAUNCH = [*ADD, "--grid", "4", *(a for t in ("*fp32[4000]", "*fp32[4000]", "*fp32[4000]", "4000") for a in ("--arg", t))]
STAGES = ["lower-descriptors", "lower-block-pointers", "simplify", "merge", "hoist", "mark-read-only"]
LAYOUT_STEPS = ["assign-layouts", "allocate-shared-memory", "insert-barriers", "check-layouts"]
passed = failed = 0


def tessera(*arguments, **environment):
    return subprocess.run([str(BIN / "tessera"), *arguments], cwd=TMP, capture_output=True, text=True, timeout=120, env=ENV | environment)


def check(name, holds, shown=""):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    if not holds:
        print(f"FAIL {name}\n{str(shown)[:1500]}")


def after(text, known):
    """The stages whose IR was dumped, those of `known`, in their order."""
    return [s for s in re.findall(r"^// after (\S+)$", text, re.M) if s in known]


# Options before the FILE: each takes one value, wherever it stands.
FILE, DEFINE, SIGNATURE = ADD[0], ADD[1:], COMPILE[4:6]
plain = tessera(*COMPILE, "--target=x86-64-v3").stdout
for options in (["-DBLOCK_SIZE=1024"], DEFINE, ["--target=x86-64-v3", *DEFINE], [*DEFINE, "--target", "x86-64-v3"], [*DEFINE, "--plugin", str(BIN.parent / "lib/tessera/plugins.d")]):
    done = tessera("compile", *SIGNATURE, "--emit", "tile", *options, FILE)
    check(f"FILE behind {' '.join(options)}", done.returncode == 0 and done.stdout == plain, done.stderr)
done = tessera("compile", *SIGNATURE, *DEFINE, "--emit", "asm", "-o", "-", "--target", "x86-64-v3", "--target", "x86-64-v2", FILE)
check("a repeated --target", done.returncode == 0 and done.stdout.count(".globl") == 2, done.stderr)
ARRAYS = LAUNCH[5:]
for command in ("run", "bench"):
    check(f"{command}: FILE behind --arg", tessera(command, *DEFINE, "--grid", "4", *ARRAYS, FILE).returncode == 0)
check("run: FILE behind --out", tessera("run", *DEFINE, *ARRAYS, "--out", "behind.npy", FILE).returncode == 0 and (TMP / "behind.npy").exists())
done = tessera("run", *DEFINE, *ARRAYS, "--time", FILE)
check("run: FILE behind --time", '"repeats":10' in done.stdout, done.stderr)

for where in ("--in-process", "--worker"):
    one = tessera(*COMPILE, where, "--dump-ir=simplify")
    check(f"{where}: one stage is dumped", after(one.stderr, STAGES) == ["simplify"] and one.stderr.count("// after") == 1 and "tile.load" in one.stderr, one.stderr)
    two = tessera(*COMPILE, where, "--dump-ir=hoist,simplify")
    check(f"{where}: two stages", after(two.stderr, STAGES) == ["simplify", "hoist"], two.stderr)
    everything = tessera(*LAYOUT, where, "--dump-ir=all")
    check(f"{where}: all stages of both levels", after(everything.stderr, STAGES + LAYOUT_STEPS) == STAGES + LAYOUT_STEPS, everything.stderr[:600])
    check(f"{where}: no dump unasked", "// after" not in tessera(*COMPILE, where).stderr)

    folder = TMP / f"dumps{where}"
    done = tessera(*COMPILE, where, "--dump-ir=all", f"--dump-dir={folder}")
    files = sorted(p.name for p in folder.iterdir())
    check(f"{where}: dumps as numbered files", [f[3:-5] for f in files if f[3:-5] in STAGES] == STAGES and files[0][:3] == "00-", files)
    check(f"{where}: then nothing on standard error", not done.stderr and all("func.func @add_kernel" in (folder / f).read_text() for f in files), done.stderr)

    folder = TMP / f"numbers{where}"
    done = tessera(*LAYOUT, where, "--dump-ir=all", f"--dump-dir={folder}")
    files = sorted(p.name for p in folder.iterdir())
    check(f"{where}: one count of both levels", [int(f[:2]) for f in files] == list(range(len(files))) and [f[3:-5] for f in files if f[3:-5] in STAGES + LAYOUT_STEPS] == STAGES + LAYOUT_STEPS, files)

    # A plugin's own stages, by its name.
    one = tessera(*CPU, where, "--dump-ir=cpu:llvm")
    check(f"{where}: a plugin's stage", one.returncode == 0 and re.findall("^// after (.*)$", one.stderr, re.M) == ["cpu:llvm"] and "\ndefine " in one.stderr, one.stderr)
    both = tessera(*CPU, where, "--dump-ir=cpu:*,hoist")
    check(f"{where}: all of a plugin's", re.findall("^// after (.*)$", both.stderr, re.M) == ["hoist", "cpu:llvm", "cpu:llvm-opt"], both.stderr)
    folder = TMP / f"plugin{where}"
    done = tessera(*CPU, where, "--dump-ir=all", f"--dump-dir={folder}")
    files = sorted(p.name for p in folder.iterdir())
    check(f"{where}: a plugin's after the core's", [f[3:-5] for f in files[:-2] if f[3:-5] in STAGES] == STAGES and files[-2:] == [f"{len(files) - 2}-cpu-llvm.ll", f"{len(files) - 1}-cpu-llvm-opt.ll"]
          and not done.stderr and all("\ndefine " in (folder / f).read_text() for f in files[-2:]), (files, done.stderr))
    made = tessera(*CPU[:-1], "tbc", where, "--dump-ir=cpu:llvm-opt")
    check(f"{where}: asked for, it is made", re.findall("^// after (.*)$", made.stderr, re.M) == ["cpu:llvm-opt"] and made.returncode == 0, made.stderr)
    null = tessera(*COMPILE[:-1], "artifact", "--target=null", where, "--dump-ir=null:*")
    check(f"{where}: the template's", "// after null:null\n; a dump of each stage" in null.stderr, null.stderr)
    for what, arguments, words in (("no such stage", ["--dump-ir=cpu:llvm,cpu:nope"], ("'cpu:nope'", "There are: cpu:llvm, cpu:llvm-opt")),
                                   ("another plugin's", ["--dump-ir=mock:llvm"], ("'x86-64-v3' is one of plugin 'cpu'", "write 'cpu:llvm'")),
                                   ("without its plugin", ["--dump-ir=llvm"], ("no stage is called so", "cpu:*")),
                                   ("no plugin", ["--emit=tile", "--dump-ir=cpu:llvm"], ("no plugin compiles here",))):
        wrong = tessera(*(CPU[:-2] if "--emit=tile" in arguments else CPU), where, *arguments)
        check(f"{where}: a plugin's stage: {what}", wrong.returncode == 2 and "E0301" in wrong.stderr and all(w in wrong.stderr for w in words), wrong.stderr)
    wrong = tessera(*LAYOUT[:-2], "artifact", "--target=mock", where, "--dump-ir=mock:nope")
    check(f"{where}: a stage of a plugin that shows none", wrong.returncode == 2 and "'mock' has no such stage here" in wrong.stderr
          and re.search("shows no IR of its own. There are: lower-descriptors, .*, simplify, .*, insert-barriers, .*, all$", wrong.stderr, re.M), wrong.stderr)

    timed = tessera(*LAYOUT, where, "--time-passes")
    rows = re.findall(r"^ *([\d.]+) ms  (\S+)$", timed.stderr, re.M)
    check(f"{where}: the time of every stage", [n for _, n in rows if n in STAGES + LAYOUT_STEPS] == STAGES + LAYOUT_STEPS, timed.stderr)
    sums, total = [0.0], []
    for ms, name in rows:
        if name == "total":
            total.append(abs(float(ms) - sums[-1]) < 0.05)
            sums.append(0.0)
        else:
            sums[-1] += float(ms)
    check(f"{where}: and their sum, of each level", total == [True, True], timed.stderr)

for target, kinds in (("x86-64-v3", {".tile.mlir", ".tbc", ".tbc.txt", ".ll", ".s", ".o", ".bin"}), ("mock", {".tile.mlir", ".layout.mlir", ".tbc", ".tbc.txt", ".bin"})):
    done = tessera(*COMPILE, f"--target={target}", f"--save-temps={TMP / target}", "-o", "out.mlir")
    names = {p.name.removeprefix(f"add_kernel.{target}") for p in (TMP / target).iterdir() if p.stat().st_size}
    check(f"--save-temps for {target}", kinds <= names and done.returncode == 0, (names, done.stderr))

done = tessera("compile", *ADD, *SIGNATURE, "--emit", "asm", "-o", "every", "--target", "cpu/all")
check("every target of a plugin", done.returncode == 0 and sorted(p.name for p in TMP.glob("every.*")) == [f"every.cpu_x86-64-v{n}.s" for n in (2, 3, 4)], done.stderr)
done = tessera("compile", *ADD, *SIGNATURE, "--emit", "tile", "-o", "all", "--target", "all")
listed = [row for row in json.loads(tessera("targets", "--json").stdout) if row["listed"]]
check("every target", done.returncode == 0 and len(list(TMP.glob("all.*.tile.mlir"))) == len(listed) > 20, done.stderr)
done = tessera("compile", *ADD, *SIGNATURE, "--target", "acme/all")
check("every target of no plugin", done.returncode == 4 and "E0401" in done.stderr and "'acme/all'" in done.stderr, done.stderr)

# Messages: JSON, one object a line, of bytes that are no UTF-8 too; colours on a terminal alone.
(TMP / "latin.py").write_bytes(b"import triton\n\n\n@triton.jit\ndef k(x_ptr):\n    pass  # caf\xe9\n")
found = [json.loads(line) for line in tessera("--diagnostics-format=json", "compile", "latin.py").stderr.splitlines()]
check("JSON: an excerpt that is no UTF-8", [(d["id"], d["line"], d["column"]) for d in found] == [("E0102", 6, 16)], found)
bad = TMP / "bad.py"
bad.write_bytes(b"import triton\nimport triton.language as tl\n\n\n@triton.jit\ndef f(x):\n    return x + nope\n\n\n@triton.jit\ndef k(x_ptr):\n"
                b"    tl.store(x_ptr, foo)  # caf\xc3\xa9\n    tl.store(x_ptr, f(1.0))\n")
BAD = ["compile", f"{bad}:k", "-s", "*fp32", "--emit", "tile"]
found = [json.loads(line) for line in tessera("--diagnostics-format=json", *BAD).stderr.splitlines()]
check("JSON: every message", [(d["id"], d["severity"], d["line"], d["column"]) for d in found] == [("E0202", "error", 12, 21), ("E0202", "error", 7, 16)], found)
check("JSON: its file, the call it was in", all(d["file"] == str(bad) for d in found) and found[1]["notes"][0]["line"] == 13, found)
for arguments, code in ((["compile", "nothing.py"], "E0302"), (["compile", "--frobnicate"], "E0301"), (["run", *LAUNCH, "--arg", "1"], "E0305"),
                        ([*COMPILE, "--target=x86-64-v9"], "E0401")):
    done = tessera("--diagnostics-format=json", *arguments)
    check(f"JSON: {code}", [json.loads(line)["id"] for line in done.stderr.splitlines()] == [code], done.stderr)


def on_a_terminal(*arguments, **environment):
    main, side = pty.openpty()
    job = subprocess.Popen([str(BIN / "tessera"), *arguments], cwd=TMP, stdout=subprocess.DEVNULL, stderr=side, env=ENV | environment)
    os.close(side)
    text = b""
    try:
        while part := os.read(main, 65536):
            text += part
    except OSError:  # the other end is closed
        pass
    os.close(main)
    job.wait(timeout=120)
    return text.decode()


for what, text, coloured in (("a terminal", on_a_terminal(*BAD), True), ("a pipe", tessera(*BAD).stderr, False), ("NO_COLOR", on_a_terminal(*BAD, NO_COLOR="1"), False),
                             ("--color=never", on_a_terminal("--color=never", *BAD), False), ("--color=always", tessera("--color=always", *BAD).stderr, True),
                             ("--color=always and NO_COLOR", tessera("--color=always", *BAD, NO_COLOR="1").stderr, True),
                             ("a terminal, one of usage", on_a_terminal("compile", "--frobnicate"), True), ("a pipe, one of usage", tessera("compile", "--frobnicate").stderr, False),
                             ("JSON on a terminal", on_a_terminal("--diagnostics-format=json", *BAD), False)):
    check(f"colours: {what}", text and ("\033[" in text) == coloured, text)

# docs/reference/cli.md has every option, and no other.
page = (pathlib.Path(__file__).resolve().parents[2] / "docs/reference/cli.md").read_text()
known = set()
for command in ([], ["compile"], ["run"], ["bench"], ["targets"], ["plugins"], ["cache"], ["cache", "stats"], ["cache", "clear"]):
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", tessera(*command, "--help").stdout))
    known |= options
    check(f"cli.md: the options of {' '.join(command) or 'all commands'}", "--help" in options and not [o for o in options if not re.search(re.escape(o) + r"(?![\w-])", page)],
          [o for o in options if not re.search(re.escape(o) + r"(?![\w-])", page)])
named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", page))
check("cli.md: no option that is none", named <= known, named - known)

# Globals that are no constexpr, where the environment says so; a kernel in the cache is of one or the other.
(TMP / "global.py").write_text("import triton\nimport triton.language as tl\n\nSTEP = 5\n\n\n@triton.jit\ndef k(x_ptr):\n    tl.store(x_ptr, STEP)\n")
GLOBAL = ["compile", "global.py", "-s", "*i32", "--emit", "tile"]
done = tessera(*GLOBAL)
check("a global that is no constexpr", done.returncode == 1 and "E0215" in done.stderr and "TRITON_ALLOW_NON_CONSTEXPR_GLOBALS=1" in done.stderr, done.stderr)
for where in ("--worker", "--in-process"):
    for name in ("TRITON_ALLOW_NON_CONSTEXPR_GLOBALS", "TESSERA_ALLOW_NON_CONSTEXPR_GLOBALS"):
        done = tessera(*GLOBAL, where, **{name: "1"})
        check(f"{name}, {where}", done.returncode == 0 and re.search(r"constant.*\b5\b", done.stdout), done.stderr)
RUN_GLOBAL = ["run", "global.py", "--arg", "*i32[1]"]
for extra in ([], ["--interpret"]):
    check(f"run {' '.join(extra)}: with the variable", tessera(*RUN_GLOBAL, *extra, TRITON_ALLOW_NON_CONSTEXPR_GLOBALS="true").returncode == 0)
    check(f"run {' '.join(extra)}: and without", "E0215" in tessera(*RUN_GLOBAL, *extra).stderr)

# print is device_print.
for name in ("print", "tl.device_print"):
    (TMP / "prints.py").write_text(f"import triton\nimport triton.language as tl\n\n\n@triton.jit\ndef k(n):\n    {name}('n', n, tl.arange(0, 4) * 16, hex=True)\n")
    for extra in ([], ["--interpret"]):
        done = tessera("run", "prints.py", "--arg", "255", *extra)
        check(f"{name} {' '.join(extra)}", done.stdout.count("0x000000ff") >= 1 and "0x00000030" in done.stdout, done.stdout + done.stderr)

# Launches that are timed, and the cache.
for command in (["bench", *LAUNCH, "--repeats", "7"], ["run", *LAUNCH, "--time", "7"]):
    done = tessera(*command)
    row = json.loads(done.stdout)
    check(f"{command[0]}: one line of JSON", len(done.stdout.splitlines()) == 1 and row["kernel"] == "add_kernel" and row["repeats"] == 7
          and 0 < row["min_ns"] <= row["median_ns"] and row["compile_ms"] >= 0, done.stdout)
stats = json.loads(tessera("cache", "stats", "--json").stdout)
check("cache stats: the kernel just run", stats["entries"] >= 1 and stats["bytes"] > 0 and stats["directory"] == str(TMP / "cache"), stats)
check("cache stats as text", f"{stats['entries']} entr" in tessera("cache", "stats").stdout)
check("cache clear", tessera("cache", "clear").returncode == 0 and json.loads(tessera("cache", "stats", "--json").stdout)["entries"] == 0)
check("a cache of no bytes", tessera("run", *LAUNCH, TESSERA_CACHE_LIMIT="0").returncode == 0 and json.loads(tessera("cache", "stats", "--json").stdout)["entries"] == 0)
for command in ("targets", "plugins"):
    check(f"{command}: JSON", len(json.loads(tessera(command, "--json").stdout)) > 3)
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
