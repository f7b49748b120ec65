# test_nvidia_options.py - options of a launch that mean something to NVIDIA's compiler; no device
# SPDX-License-Identifier: Apache-2.0
import re

import pytest

import tessera
import tessera.language as tl
from tessera.backends.compiler import GPUTarget
from tessera.compiler import ASTSource

HOPPER = GPUTarget("cuda", 90, 32)


@tessera.jit
def scaled(x, y, N: tl.constexpr):
    at = tl.arange(0, N)
    tl.store(y + at, tl.load(x + at) * 3.0 + 1.0)


@tessera.jit
def square(x, y, N: tl.constexpr):
    place = tl.arange(0, N)[:, None] * N + tl.arange(0, N)[None, :]
    a = tl.load(x + place)
    tl.store(y + place, tl.dot(a, tl.trans(a)))


def build(fn=scaled, target=HOPPER, type="*fp32", n=256, **options):
    return tessera.compile(ASTSource(fn, {"x": type, "y": "*fp32", "N": "constexpr"}, {"N": n}), target=target, options=options)


@pytest.fixture(autouse=True)
def nvidia(tmp_path):
    with tessera.knobs.cache.scope():
        tessera.knobs.cache.dir = str(tmp_path)
        try:
            build()
        except RuntimeError as e:
            pytest.skip(f"no NVIDIA plugin: {e}")
        yield


def test_arch():
    for spelling in ("sm80", "sm_80", "80", 80):
        kernel = build(arch=spelling)
        assert ".target sm_80" in kernel.asm["ptx"] and kernel.metadata.target.arch == 80
    assert ".target sm_90a" in build().asm["ptx"] and build().metadata.arch == "sm90"
    with pytest.raises(ValueError, match="must have the form sm90"):
        build(arch="hopper")


def test_machine_code_as_text():
    from tessera import knobs
    kernel = build()
    if kernel.asm["cubin"][:4] != b"\x7fELF":
        pytest.skip("no assembler")
    try:
        tool = knobs.nvidia.cuobjdump.path
    except RuntimeError:
        with pytest.raises(RuntimeError, match="cuobjdump"):
            kernel.asm["sass"]
        return
    assert tool and "LDG" in kernel.asm["sass"] and "EXIT" in kernel.asm["sass"]


def test_listeners_hear_of_ptx_and_cubin_apart(monkeypatch):
    heard = []
    monkeypatch.setattr(tessera.knobs.compilation, "listener", lambda **what: heard.append(what["times"]))
    kernel = build(n=512)
    stages = dict(heard[0].lowering_stages)
    assert all(stages.get(name, 0) > 0 for name in ("ttir", "ttgir", "llir", "ptx")), stages
    if kernel.asm["cubin"][:4] == b"\x7fELF":
        assert stages["cubin"] > 0
    assert list(stages) == sorted(stages, key=["target", "ttir", "ttgir", "llir", "ptx", "cubin", "worker"].index)


def test_arch_of_the_environment(monkeypatch):
    monkeypatch.setattr(tessera.knobs.runtime, "override_arch", "sm86")
    assert ".target sm_86" in build().asm["ptx"]


def test_blocks_of_a_program():
    assert ".reqntid 256" in build(num_ctas=2).asm["ptx"]
    with pytest.raises(ValueError, match=r"num_ctas > 1 requires NVIDIA SM90\+ \(Hopper\)"):
        build(num_ctas=2, arch="sm80")


def test_cluster_dims_are_not_ignored():
    with pytest.raises(ValueError, match="say num_ctas"):
        build(cluster_dims=(2, 1, 1))
    assert build(cluster_dims=(1, 1, 1)).kernel


@tl.core.extern
def of_libdevice(x, _semantic=None):
    return tl.core.extern_elementwise("libdevice", "", [x], {(tl.float32, ): ("__nv_is_not_portable", tl.float32)}, is_pure=True, _semantic=_semantic)


@tessera.jit
def special(x, y, N: tl.constexpr):
    at = tl.arange(0, N)
    tl.store(y + at, of_libdevice(tl.load(x + at)))


def test_own_libdevice(tmp_path):
    library = tmp_path / "libdevice.ll"
    library.write_text("define float @__nv_is_not_portable(float %x) {\n  %y = fmul float %x, 5.0\n  ret float %y\n}\n")
    assert "0f40A00000" in build(special, extern_libs={"libdevice": library}).asm["ptx"]
    with pytest.raises(tessera.CompilationError, match="__nv_is_not_portable"):
        build(special, extern_libs={})
    # What was asked for is what hooks and the kernel tell of.
    assert build(special, extern_libs={"libdevice": library}).metadata.extern_libs == (("libdevice", str(library)), )


def test_registers_and_fusion():
    ptx = build(maxnreg=64).asm["ptx"]
    assert ".maxnreg 64" in ptx and "fma.rn.f32" in ptx
    assert "fma.rn.f32" not in build(enable_fp_fusion=False).asm["ptx"]


def test_source_lines(monkeypatch):
    assert re.search(r"\.loc\s+1 ", build().asm["ptx"])
    assert ".loc" not in build(line_info=False).asm["ptx"]
    monkeypatch.setenv("TRITON_DISABLE_LINE_INFO", "1")
    assert ".loc" not in build().asm["ptx"]


def test_options_of_the_assembler():
    assert ".version 8.5" in build(ptx_version=85).asm["ptx"]
    with pytest.raises((RuntimeError, tessera.CompilationError), match="there-is-none"):
        build(ptx_options="--there-is-none")
    assert len(build(ptx_options="--opt-level=0").kernel) != len(build().kernel)


def test_launch_attributes_are_part_of_the_kernel():
    plain, together, early = build(), build(launch_cooperative_grid=True), build(launch_pdl=True)
    assert len({plain.kernel, together.kernel, early.kernel}) == 3
    assert together.metadata.launch_cooperative_grid and early.metadata.launch_pdl


def test_who_waits_for_the_kernel_ahead():
    def waits(**options):
        return build(**options).asm["ptx"].count("griddepcontrol.wait")
    # A source that begins early by itself says where it waits; blocks that start together do not begin early.
    assert [waits(), waits(overlap_launches=False), waits(launch_pdl=True), waits(launch_cooperative_grid=True)] == [1, 0, 0, 0]


@tessera.jit
def tiles(a, b, c, M, N, K):
    left = tl.make_tensor_descriptor(a, [M, K], [K, 1], [128, 64])
    right = tl.make_tensor_descriptor(b, [K, N], [N, 1], [64, 128])
    out = tl.make_tensor_descriptor(c, [M, N], [N, 1], [128, 128])
    for tile in range(tl.program_id(0), tl.cdiv(M, 128) * tl.cdiv(N, 128), tl.num_programs(0)):
        row, column = tile % tl.cdiv(M, 128) * 128, tile // tl.cdiv(M, 128) * 128
        total = tl.zeros((128, 128), tl.float32)
        for k in range(0, K, 64):
            total = tl.dot(left.load([row, k]), right.load([k, column]), total)
        out.store([row, column], total.to(tl.float16))


def test_warps_that_only_load():
    signature = {**dict.fromkeys("abc", "*fp16"), **dict.fromkeys("MNK", "i32")}
    attrs = {(i,): [["tt.divisibility", 16]] for i in range(6)}
    source = ASTSource(tiles, signature, attrs=attrs)

    def threads(**options):
        return re.search(r"\.reqntid (\d+)", tessera.compile(source, target=HOPPER, options={"num_warps": 8, **options}).asm["ptx"])[1]
    assert [threads(), threads(auto_warp_specialize=False)] == ["384", "256"]


def test_float32_products():
    assert ".tf32" in build(square, n=64).asm["ptx"]
    assert ".tf32" not in build(square, n=64, default_dot_input_precision="ieee").asm["ptx"]


def test_stages_are_what_they_are_called():
    asm = build().asm
    assert re.search(r"define ptx_kernel void @scaled", asm["llir"]) and ".visible .entry scaled" in asm["ptx"]
    # What cuobjdump and nvdisasm read, where there is an assembler.
    assert asm["cubin"][:4] == b"\x7fELF" or b".visible .entry" in asm["cubin"]


@tessera.jit
def wide(a, b, c, M, N, K):
    left = tl.make_tensor_descriptor(a, [M, K], [K, 1], [128, 32])
    right = tl.make_tensor_descriptor(b, [K, N], [N, 1], [32, 256])
    out = tl.make_tensor_descriptor(c, [M, N], [N, 1], [128, 256])
    row, column = tl.program_id(0) * 128, tl.program_id(1) * 256
    total = tl.zeros((128, 256), tl.float32)
    for k in tl.range(0, K, 32, num_stages=2, warp_specialize=True):
        total = tl.dot(left.load([row, k]), right.load([k, column]), total)
    out.store([row, column], total.to(tl.float16))


def test_warps_that_only_load_take_no_register_that_products_need():
    # 256 sums of a lane: the registers of two blocks would leave an instruction too few, which the assembler refuses.
    signature = {**dict.fromkeys("abc", "*fp16"), **dict.fromkeys("MNK", "i32")}
    attrs = {(i,): [["tt.divisibility", 16]] for i in range(6)}
    ptx = tessera.compile(ASTSource(wide, signature, attrs=attrs), target=HOPPER, options={"num_warps": 4}).asm["ptx"]
    assert ".reqntid 160" in ptx and "setmaxnreg" not in ptx


@tessera.jit
def marked(labels, y, count, N: tl.constexpr):
    row = tl.program_id(0)
    y += row * count
    lane = tl.arange(0, N)
    label = tl.load(labels + row)
    for begin in range(0, count, N):
        inside = begin + lane < count
        tl.store(y + begin + lane, tl.where(begin + lane == label, 1.0, 0.0), mask=inside)


def test_code_does_not_depend_on_where_memory_lies():
    """The same kernel gives the same text whatever was compiled before: caches and builds can be compared."""
    tessera.knobs.compilation.always_compile = True
    try:
        texts = set()
        for n in (64, 128, 256, 512, 1024, 2048):
            source = ASTSource(marked, {"labels": "*i64", "y": "*fp32", "count": "i32", "N": "constexpr"}, {"N": 8192})
            texts.add(tessera.compile(source, target=HOPPER, options={"num_warps": 8}).asm["ptx"])
            build(n=n)
    finally:
        tessera.knobs.compilation.always_compile = False
    assert len(texts) == 1


@tessera.jit
def greatest(x, y, N: tl.constexpr, LEAST: tl.constexpr):
    low = tl.make_tensor_descriptor(y, [N, N], [N, 1], [16, 64])
    value = tl.load(x + tl.arange(0, 16)[:, None] * 64 + tl.arange(0, 64)[None, :])
    if LEAST:
        low.atomic_min([0, 64], value)
    else:
        low.atomic_max([0, 64], value)


def test_reductions_of_floats_of_16_bits_by_descriptor():
    """Eight elements of a lane are one reduction from sm_90 on; before, each is exchanged in a loop."""
    for arch in (90, 80):
        for type, name in (("*fp16", "f16"), ("*bf16", "bf16")):
            for least in (True, False):
                source = ASTSource(greatest, {"x": type, "y": type, "N": "constexpr", "LEAST": "constexpr"}, {"N": 128, "LEAST": least},
                                   {(0,): [["tt.divisibility", 16]], (1,): [["tt.divisibility", 16]]})
                ptx = tessera.compile(source, target=GPUTarget("cuda", arch, 32)).asm["ptx"]
                reductions = ptx.count(f"red.global.gpu.relaxed.{'min' if least else 'max'}.noftz.v8.{name}")
                assert reductions == (1 if arch == 90 else 0)
                assert ("cas.b32" in ptx) == (arch == 80)


def test_loads_ahead_whose_addresses_lose_conversions():

    # Rows of a table at quotients that the product's mask needs in another layout: loading ahead computes them anew in both.
    @tessera.jit
    def kernel(queries, keys, table, out, n, by, key_stride, stride, M: tl.constexpr, N: tl.constexpr, D: tl.constexpr):
        m, d = tl.arange(0, M), tl.arange(0, D)
        q = tl.load(queries + m[:, None] * D + d[None, :])
        total = tl.zeros((M, N), tl.float32)
        for start in range(0, n, N):
            at = start + tl.arange(0, N)
            row = tl.where(at >= n - 7, at % n, at % n // by)
            k = tl.load(keys + d[:, None] + at[None, :] * key_stride, mask=(at < n)[None, :], other=0)
            k *= tl.trans(tl.load(table + row[:, None] * stride + d[None, :]))
            total += tl.where(row[None, :] <= m[:, None], tl.dot(q, k), 0.0)
        tl.store(out + m[:, None] * N + tl.arange(0, N)[None, :], total)

    pointers = {name: "*fp32" for name in ("queries", "keys", "table", "out")}
    integers = {name: "i32" for name in ("n", "by", "key_stride", "stride")}
    source = ASTSource(kernel, {**pointers, **integers, "M": "constexpr", "N": "constexpr", "D": "constexpr"},
                       {"M": 64, "N": 64, "D": 16}, {(i, ): [["tt.divisibility", 16]] for i in range(4)})
    assert "cp.async" in tessera.compile(source, target=HOPPER).asm["ptx"]
