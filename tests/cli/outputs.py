#!/usr/bin/env python3
# outputs.py - every --emit of a target without its device: text on standard output, machine code, and what a target has not
# SPDX-License-Identifier: Apache-2.0
"""usage: outputs.py BIN_DIR KERNELS. The last line is `N passed, N failed`."""
import os
import pathlib
import stat
import subprocess
import sys
import tempfile

BIN, KERNELS = (pathlib.Path(p).resolve() for p in sys.argv[1:3])
TMP = pathlib.Path(tempfile.mkdtemp(prefix="tessera-outputs-"))
KERNEL = [f"{KERNELS / 'vector_add.py'}:add_kernel", "-s", "*fp32:16, *fp32:16, *fp32:16, i32", "-D", "BLOCK_SIZE=1024"]
PLACE = "vector_add.py:8:5: error"
passed = failed = 0


def run(target, emit, *more, path=os.environ.get("PATH", "")):
    return subprocess.run([str(BIN / "tessera"), "compile", *KERNEL, f"--target={target}", f"--emit={emit}", *more], cwd=TMP,
                          capture_output=True, timeout=120, env={**os.environ, "PATH": path, "TESSERA_CACHE_DIR": str(TMP / "cache")})


def check(name, holds, done):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    if not holds:
        print(f"FAIL {name}: exit code {done.returncode}\n{done.stdout[:400]!r}\n{done.stderr.decode()[:800]}")


def says(done, code, *texts):
    return done.returncode == code and all(t.encode() in done.stderr for t in texts)


# A nvdisasm that is found in PATH, for a machine that has none: it shows what it was given.
(TMP / "bin").mkdir()
tool = TMP / "bin" / "nvdisasm"
tool.write_text('#!/bin/sh\nfor last; do :; done\necho "nvdisasm warning : of a test"\nprintf "first bytes "; head -c 4 "$last" | tail -c 3\necho " .text.add_kernel"\n')
tool.chmod(tool.stat().st_mode | stat.S_IXUSR)

for target in ("sm_90a", "sm_80", "compute_90"):
    done = run(target, "ptx")
    check(f"{target}: ptx", done.returncode == 0 and b".visible .entry add_kernel(" in done.stdout and b".version" in done.stdout, done)
    check(f"{target}: ptx is its asm", run(target, "asm").stdout == done.stdout, done)

cubin = run("sm_90a", "cubin", "-o", "-")
if cubin.returncode == 0:
    check("cubin is an ELF file", cubin.stdout[:4] == b"\x7fELF" and b".text.add_kernel" in cubin.stdout, cubin)
    done = run("sm_90a", "cubin")
    check("cubin goes to a file of its name", done.returncode == 0 and not done.stdout and (TMP / "add_kernel.cubin").read_bytes() == cubin.stdout, done)
    done = run("sm_90a", "ptx,cubin", "-o", "both")
    check("several go to files", done.returncode == 0 and (TMP / "both.ptx").is_file() and (TMP / "both.cubin").is_file(), done)
    done = run("sm_90a", "sass", path=f"{tool.parent}:{os.environ.get('PATH', '')}")
    check("sass is the tool's text, without its warnings",
          done.returncode == 0 and b".text.add_kernel" in done.stdout and b"warning" not in done.stdout, done)
    done = run("sm_90a", "sass", path=str(TMP))
    check("without the tool: at the kernel, what is missing", done.returncode == 0 or says(done, 4, PLACE, "nvdisasm"), done)
else:
    check("no assembler: it says so", says(cubin, 4, "gives no 'cubin'", "needs an assembler"), cubin)
    done = run("sm_90a", "sass")
    check("no assembler: no machine code to show, at the kernel", says(done, 4, PLACE, "no machine code"), done)

done = run("compute_90", "cubin")
check("compute_90 is PTX", says(done, 4, "target 'compute_90' gives no 'cubin'"), done)
done = run("compute_90", "sass")
check("and has no machine code to show", says(done, 4, PLACE, "no machine code"), done)
done = run("x86-64-v3", "ptx")
check("a processor has no PTX", says(done, 4, "target 'x86-64-v3' gives no 'ptx'", "plugin nvidia") and not done.stdout, done)
done = run("x86-64-v3", "disasm")
check("nor a disassembler", says(done, 4, PLACE, "no disassembler"), done)
done = run("x86-64-v3,sm_90a", "ptx", "-o", "several")
check("a target without it fails the whole", says(done, 4, "gives no 'ptx'") and not list(TMP.glob("several*")), done)
done = run("sm_90a", "ptxx")
check("a slip of the pen", says(done, 2, "did you mean 'ptx'", "sass"), done)
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
