# test_autotune.py - tuning: what is tried, measured, kept, put back
# SPDX-License-Identifier: Apache-2.0
import array
import collections
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import tessera
import tessera.language as tl
from tessera import knobs
from tessera.runtime.errors import AutotunerError

BLOCKS = (64, 128, 256)


@pytest.fixture(autouse=True)
def own_cache(tmp_path):
    with knobs.cache.scope(), knobs.autotuning.scope():
        knobs.cache.dir = str(tmp_path / "cache")
        yield tmp_path / "cache"


def grid(args):
    return (tessera.cdiv(args["n"], args["BLOCK"]),)


def make(configs=None, **options):

    @tessera.autotune(configs=configs or [tessera.Config({"BLOCK": b}) for b in BLOCKS], key=["n"], **options)
    @tessera.jit
    def increment(x, n, BLOCK: tl.constexpr):
        i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
        tl.store(x + i, tl.load(x + i, mask=i < n) + 1, mask=i < n)

    return increment


def test_written_arguments_are_put_back_without_being_named():
    kernel, x = make(), np.zeros(1000, np.float32)
    kernel[grid](x, 1000)
    assert (x == 1).all(), "one launch counts, whatever tuning ran"
    kernel[grid](x, 1000)
    assert (x == 2).all()
    assert kernel.best_config in kernel.configs and set(kernel.configs_timings) == set(kernel.configs)
    assert all(low <= median <= high for median, low, high in [(t[0], t[1], t[2]) for t in kernel.configs_timings.values()])
    assert kernel.bench_time > 0 and kernel.base_fn.__name__ == "increment" and kernel.arg_names == ["x", "n", "BLOCK"]


def test_a_key_is_values_and_dtypes():
    kernel = make()
    kernel[grid](np.zeros(1000, np.float32), 1000)
    kernel[grid](np.zeros(1000, np.float32), 1000)
    assert len(kernel.cache) == 1
    kernel[grid](np.zeros(1000, np.int32), 1000)
    kernel[grid](np.zeros(1000, np.float32), 999)
    assert len(kernel.cache) == 3


def count_files(folder):
    return sum(name.endswith(".autotune.json") for _, _, names in os.walk(folder) for name in names)


def test_results_are_kept_one_entry_a_candidate(own_cache):
    make()[grid](np.zeros(1000, np.float32), 1000)
    assert count_files(own_cache) == 3
    measured = []

    class Counting(tessera.runtime.Autotuner):

        def _bench(self, *args, config, **meta):
            measured.append(config.kwargs["BLOCK"])
            return super()._bench(*args, config=config, **meta)

    again = make()
    again.__class__ = Counting
    again[grid](np.zeros(1000, np.float32), 1000)
    assert measured == [] and set(again.configs_timings) == set(again.configs)
    more = make([tessera.Config({"BLOCK": b}) for b in (*BLOCKS, 512)])
    more.__class__ = Counting
    more[grid](np.zeros(1000, np.float32), 1000)
    assert measured == [512] and count_files(own_cache) == 4


def test_broken_entries_are_measured_again(own_cache):
    make()[grid](np.zeros(1000, np.float32), 1000)
    for folder, _, names in os.walk(own_cache):
        for name in names:
            if name.endswith(".autotune.json"):
                with open(os.path.join(folder, name), "w") as f:
                    f.write('{"timings": "quick"}')
    kernel = make()
    kernel[grid](np.zeros(1000, np.float32), 1000)
    assert kernel.bench_time > 0


@pytest.mark.parametrize("how", ["knob", "do_bench", "hook"])
def test_results_are_not_kept(own_cache, how):
    options = {}
    if how == "knob":
        knobs.autotuning.cache = False
    elif how == "do_bench":
        options["do_bench"] = lambda call, quantiles: [1.0, 1.0, 1.0]
    else:
        options["post_hook"] = lambda args, exception: None
    make(**options)[grid](np.zeros(1000, np.float32), 1000)
    assert count_files(own_cache) == 0


def test_reset_to_zero_and_restore_value():
    x = np.full(1000, 5, np.float32)
    make(restore_value=["x"])[grid](x, 1000)
    assert (x == 6).all()
    x[:] = 5
    # Another key: what tuning starts from zero is known from the disk for the one above.
    x = x[:999]
    make(reset_to_zero=["x"])[grid](x, 999)
    assert (x == 1).all()


Pair = collections.namedtuple("Pair", "source results")


def of_tuples(**options):

    @tessera.autotune([tessera.Config({"BLOCK": b}) for b in BLOCKS], key=["n"], **options)
    @tessera.jit
    def accumulate(pair, scratch, n, BLOCK: tl.constexpr):
        i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
        x = tl.load(pair[0] + i, mask=i < n)
        for k in tl.static_range(2):
            out = pair[1][k] + i
            tl.store(out, tl.load(out, mask=i < n) + x, mask=i < n)
        tl.store(scratch + i, tl.load(scratch + i, mask=i < n) + 1, mask=i < n)

    return accumulate


def test_written_leaves_of_tuples_and_plain_buffers_are_protected(own_cache):
    source, first, second = np.ones(1000, np.float32), np.zeros(1000, np.float32), array.array("f", bytes(4000))
    scratch = bytearray(4000)
    kernel = of_tuples()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kernel[grid](Pair(source, (first, second)), np.frombuffer(scratch, np.float32), 1000)
    assert kernel.bench_time > 0 and (source == 1).all() and (first == 1).all() and second == array.array("f", [1] * 1000)
    assert (np.frombuffer(scratch, np.float32) == 1).all()


def test_tuples_are_reset_and_restored_whole(own_cache):
    source, first, second = (np.full(1000, v, np.float32) for v in (1, 5, 7))
    scratch = np.zeros(1000, np.float32)
    of_tuples(restore_value=["pair"])[grid](Pair(source, (first, second)), scratch, 1000)
    assert (first == 6).all() and (second == 8).all() and (scratch == 1).all()
    of_tuples(reset_to_zero=["pair"])[grid](Pair(source[:900], (first[:900], second[:900])), scratch, 900)
    assert (source[:900] == 0).all() and (first[:900] == 0).all() and (second[900:] == 8).all()


def test_what_cannot_be_saved_is_said():

    class Pointer:  # a tensor of somebody's own, without a way to copy it
        def __init__(self, memory):
            self.memory, self.dtype = memory, memory.dtype

        def data_ptr(self):
            return self.memory.ctypes.data

    x, first, scratch = (np.zeros(1000, np.float32) for _ in range(3))
    with pytest.warns(RuntimeWarning, match="'pair.1.1' cannot be saved, and tuning will leave it changed"):
        of_tuples()[grid](Pair(x, (first, Pointer(x.copy()))), scratch, 1000)
    assert (scratch == 1).all()


def test_hooks_surround_each_measured_launch():
    events = []
    kernel = make(pre_hook=lambda args, reset_only=False: events.append("reset" if reset_only else "pre"),
                  post_hook=lambda args, exception: events.append("post"),
                  do_bench=lambda call, quantiles: call() or [1.0, 1.0, 1.0])
    kernel[grid](np.zeros(1000, np.float32), 1000)
    assert events == ["pre", "post"] * 3 + ["reset"]


def test_a_configs_own_hook_runs_before_its_launches():
    seen = []
    configs = [tessera.Config({"BLOCK": b}, pre_hook=lambda args, b=b: seen.append((b, args["BLOCK"]))) for b in BLOCKS]
    kernel = make(configs, do_bench=lambda call, quantiles: call() or [1.0 + len(seen)] * 3)
    kernel[grid](np.zeros(1000, np.float32), 1000)
    assert {b for b, _ in seen} == set(BLOCKS) and all(a == b for a, b in seen)
    assert seen[-1][0] == kernel.best_config.kwargs["BLOCK"], "the last one is the launch itself"


def test_pruning():
    seen = {}

    def early(configs, named, **kwargs):
        seen["early"] = (sorted(named), sorted(k for k in kwargs if k == "n"))
        return configs[:2]

    def model(**args):
        seen.setdefault("model", []).append(args["BLOCK"])
        return -args["BLOCK"]

    kernel = make(prune_configs_by={"early_config_prune": early, "perf_model": model, "top_k": 1})
    kernel[grid](np.zeros(1000, np.float32), n=1000)
    assert seen == {"early": (["x"], ["n"]), "model": [64, 128]}
    assert [c.kwargs["BLOCK"] for c in kernel.configs_timings] == [128]
    with pytest.raises(AutotunerError, match="No valid autotuner configs after pruning"):
        make(prune_configs_by={"early_config_prune": lambda *a, **k: []})[grid](np.zeros(10, np.float32), 10)
    with pytest.raises(TypeError, match="top_k must be either"):
        make(prune_configs_by={"perf_model": model, "top_k": "one"})[grid](np.zeros(10, np.float32), 10)


def test_candidates_that_cannot_work_are_left_out_with_the_reason():

    @tessera.autotune(configs=[tessera.Config({"BLOCK": b}) for b in (32, 64)], key=[])
    @tessera.jit
    def picky(x, BLOCK: tl.constexpr):
        tl.static_assert(BLOCK == 64, "only 64 works")
        tl.store(x + tl.arange(0, BLOCK), 7)

    x = np.zeros(64, np.int32)
    picky[(1,)](x)
    assert (x == 7).all() and picky.best_config.kwargs == {"BLOCK": 64}
    (config, reason), = picky.dropped.items()
    assert config.kwargs == {"BLOCK": 32} and "only 64 works" in reason
    assert picky.configs_timings[config] == [float("inf")] * 3


def test_when_none_works_the_reason_is_raised():

    @tessera.autotune(configs=[tessera.Config({"BLOCK": b}) for b in (32, 64)], key=[])
    @tessera.jit
    def hopeless(x, BLOCK: tl.constexpr):
        tl.static_assert(BLOCK == 128, "only 128 works")
        tl.store(x, BLOCK)

    with pytest.raises(tessera.CompilationError, match="only 128 works"):
        hopeless[(1,)](np.zeros(1, np.int32))


def test_the_close_ones_are_measured_again():
    from tessera.runtime import tuning
    timings = {"a": [1.0] * 3, "b": [1.19] * 3, "c": [1.21] * 3, "d": [1.01] * 3, "e": [1.02] * 3}
    same = {name: name for name in timings} | {"d": "a"}
    assert tuning.close_to_best(timings, list(timings), same) == ["a", "e", "b"]
    assert tuning.close_to_best({"a": [1.0] * 3, "c": [1.3] * 3}, ["a", "c"], same) == []
    many = {i: [1.0 + i / 100] * 3 for i in range(8)}
    assert tuning.close_to_best(many, list(many), {i: i for i in many}) == [0, 1, 2, 3, 4]


def test_redefining_a_tuned_constant_is_an_error():
    with pytest.raises(ValueError, match="Conflicting meta-parameters: BLOCK"):
        make()[grid](np.zeros(10, np.float32), 10, BLOCK=32)


def test_heuristics_under_autotune_and_one_config():

    @tessera.autotune(configs=[tessera.Config({"BLOCK": 64})], key=[])
    @tessera.heuristics({"EVEN": lambda args: args["n"] % args["BLOCK"] == 0})
    @tessera.jit
    def kernel(x, n, BLOCK: tl.constexpr, EVEN: tl.constexpr):
        tl.store(x, 1 if EVEN else 2)

    x = np.zeros(1, np.int32)
    kernel[(1,)](x, 128)
    assert x[0] == 1
    kernel[(1,)](x, 100)
    assert x[0] == 2


def test_printing(capsys):
    knobs.autotuning.print = True
    make()[grid](np.zeros(1000, np.float32), 1000)
    out = capsys.readouterr().out
    assert out.count("Autotuning kernel increment with config BLOCK: ") == 3
    assert "Triton autotuning for function increment,\nwith key as (1000, 'float32')," in out and "best config selected: BLOCK: " in out


def test_warmup_compiles_every_candidate():
    kernels = make().warmup(np.zeros(1000, np.float32), 1000, grid=grid)
    assert len(kernels) == 3 and len({k.hash for k in kernels}) == 3


def test_configs_compare_and_pickle():
    import pickle
    a, b = tessera.Config({"B": 1}, num_warps=8), tessera.Config({"B": 1}, num_warps=8)
    assert a == b and hash(a) == hash(b) and a != tessera.Config({"B": 1})
    assert pickle.loads(pickle.dumps(a)) == a and str(a) == "B: 1, num_warps: 8, num_ctas: 1, num_stages: 3, maxnreg: None"
    assert a.all_kwargs() == {"B": 1, "num_warps": 8, "num_ctas": 1, "num_stages": 3}


def test_an_unwritable_cache_is_said_once(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("""
import numpy as np, tessera, tessera.language as tl
@tessera.autotune(configs=[tessera.Config({"B": b}) for b in (32, 64)], key=["n"])
@tessera.jit
def fill(x, n, B: tl.constexpr):
    tl.store(x + tl.arange(0, B), n, mask=tl.arange(0, B) < 32)
for n in (3, 5):
    x = np.zeros(32, np.int32)
    fill[(1,)](x, n)
    assert (x == n).all()
""")
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True,
                          env={**os.environ, "TESSERA_CACHE_DIR": str(blocked / "below")})
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("tuning results are not kept") == 1


def of_warps(blocks=(64, ), warps=(1, 2, 4), stages=(1, 2)):
    return [tessera.Config({"BLOCK": b}, num_warps=w, num_stages=s) for b in blocks for w in warps for s in stages]


@pytest.fixture
def compiled():
    """Names of the kernels that the compiler made, while the test runs."""
    found = []
    with knobs.compilation.scope():
        knobs.compilation.listener = lambda src, cache_hit, **_: None if cache_hit else found.append(src.name)
        yield found


def count_measured(kernel):
    measured, inherited = [], kernel._bench
    kernel._bench = lambda *args, config, **meta: measured.append(config) or inherited(*args, config=config, **meta)
    return measured


def test_candidates_of_one_kernel_compile_and_are_measured_once(compiled):
    kernel, x = make(of_warps(BLOCKS)), np.zeros(1000, np.float32)
    measured = count_measured(kernel)
    kernel[grid](x, 1000)
    assert (x == 1).all() and len(compiled) == len(measured) == len(BLOCKS), (compiled, measured)
    assert set(kernel.configs_timings) == set(kernel.configs)
    times = [{tuple(t) for c, t in kernel.configs_timings.items() if c.kwargs["BLOCK"] == b} for b in BLOCKS]
    assert all(len(t) == 1 for t in times), "what is the same kernel has the same time"
    # What was measured before stands for candidates that come later.
    more = make(of_warps(BLOCKS, warps=(2, 8)))
    measured = count_measured(more)
    more[grid](x, 1000)
    assert measured == [] and set(more.configs_timings) == set(more.configs) and len(compiled) == len(BLOCKS)


def test_what_sees_every_launch_sees_every_candidate(compiled):
    seen = []
    kernel = make(of_warps(), pre_hook=lambda args, reset_only=False: seen.append(args["num_warps"]))
    measured = count_measured(kernel)
    kernel[grid](np.zeros(1000, np.float32), 1000)
    assert measured == kernel.configs and set(seen) == {1, 2, 4} and compiled == ["increment"]

    @tessera.autotune(configs=of_warps(stages=(1, )), key=["n"])
    @tessera.jit
    def named(x, n, num_warps: tl.constexpr, BLOCK: tl.constexpr):
        tl.store(x + tl.arange(0, BLOCK), num_warps)

    measured = count_measured(named)
    named[grid](np.zeros(1000, np.float32), 1000)
    assert measured == named.configs and compiled.count("named") == 3, "num_warps is a constant of this kernel"


def test_a_kernel_that_asks_for_its_warps_is_another_with_each(compiled):

    @tessera.jit
    def fill(x):
        n: tl.constexpr = tl.extra.cuda.num_threads()
        tl.store(x + tl.arange(0, n), n + tl.arange(0, n) * 0)

    @tessera.autotune(of_warps(), key=[])
    @tessera.jit
    def asking(x, BLOCK: tl.constexpr):
        fill(x)

    measured, x = count_measured(asking), np.zeros(128, np.int32)
    asking[(1, )](x)
    assert [c.num_warps for c in measured] == [1, 2, 4] and compiled.count("asking") == 3, "what differs in num_stages alone is one kernel"
    for warps in (4, 1, 2):
        x[:] = 0
        asking.fn[(1, )](x, BLOCK=64, num_warps=warps)
        assert x.tolist() == [32 * warps] * (32 * warps) + [0] * (128 - 32 * warps)
    # An alias is found too.
    from tessera.language.extra.cuda import num_warps as how_many

    @tessera.jit
    def aliased(x):
        tl.store(x, how_many())

    for warps in (8, 2):
        aliased[(1, )](x, num_warps=warps)
        assert x[0] == warps


def test_a_launch_has_its_own_options_though_its_code_is_shared(compiled):
    x = np.zeros(64, np.float32)
    kernel = make().fn
    two, eight = (kernel[(1, )](x, 64, BLOCK=64, num_warps=w) for w in (2, 8))
    assert (x == 2).all() and compiled == ["increment"] and two.kernel == eight.kernel
    assert (two.metadata.num_warps, eight.metadata.num_warps) == (2, 8) and two.hash != eight.hash
