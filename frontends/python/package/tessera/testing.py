# testing.py - measuring and comparing
# SPDX-License-Identifier: Apache-2.0
"""``do_bench`` and its relatives, ``assert_close``, tables and plots of benchmarks (``perf_report``), device limits."""
from __future__ import annotations

import math
import os
import time
from contextlib import contextmanager

# The fewest calls that a time is of, whatever the budget: quantiles of fewer say little.
_SAMPLES = 3
_MODES = ("min", "max", "mean", "median", "all")


def __getattr__(name):
    # Programs that measure by hand take the driver from here: `from triton.testing import runtime`.
    if name in ("runtime", "tl"):
        import importlib
        return importlib.import_module("tessera.runtime" if name == "runtime" else "tessera.language")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _driver():
    from tessera.runtime import driver
    return driver.active


def _quantile(values, wanted):
    """Quantiles by linear interpolation between order statistics."""
    ordered = sorted(values)
    result = []
    for q in wanted:
        if not 0 <= q <= 1:
            raise ValueError("Quantiles must be in the range [0, 1]")
        place = q * (len(ordered) - 1)
        low, high = math.floor(place), math.ceil(place)
        result.append(ordered[low] + (ordered[high] - ordered[low]) * (place - low))
    return result


def _summarize_statistics(times, quantiles, return_mode):
    if quantiles is not None:
        result = _quantile(times, quantiles)
        return result[0] if len(result) == 1 else result
    if return_mode == "all":
        return times
    if return_mode == "min":
        return min(times)
    if return_mode == "max":
        return max(times)
    if return_mode == "mean":
        return sum(times) / len(times)
    return _quantile(times, (0.5,))[0]


def _clear_gradients(tensors):
    for x in tensors or ():
        x.grad = None


def do_bench(fn, warmup=25, rep=100, grad_to_none=None, quantiles=None, return_mode="mean"):
    """The time of ``fn()`` on the active device, in milliseconds.

    ``warmup`` and ``rep`` are budgets in milliseconds; caches are evicted before every measured call; on a device with
    events these measure, on the CPU the clock does. ``grad_to_none``: tensors whose gradient is dropped before every call.
    Returns the ``quantiles`` (a list; one alone as a number), or what ``return_mode`` says: "min", "max", "mean",
    "median", "all" (the list of times).

    Errors: AssertionError for another mode; whatever ``fn`` raises.

    Example:
        >>> tessera.testing.do_bench(lambda: sum(range(1000)), warmup=1, rep=5, return_mode="min") > 0
        True
    """
    assert return_mode in _MODES, f"return_mode is one of {_MODES}"
    active = _driver()
    device = active.get_device_interface()
    fn()
    device.synchronize()
    flush = active.get_empty_cache_for_benchmark()

    def timed(calls, prepare):
        pairs = [(device.Event(enable_timing=True), device.Event(enable_timing=True)) for _ in range(calls)]
        for start, end in pairs:
            if prepare:
                _clear_gradients(grad_to_none)
            active.clear_cache(flush)
            start.record()
            fn()
            end.record()
        device.synchronize()
        return [start.elapsed_time(end) for start, end in pairs]

    # The budgets are of the whole measurement, evictions included: for a short call these take most of it.
    began = time.perf_counter()
    short = max(_quantile(timed(5, False), (0.5,))[0], 1e-3)
    whole = max((time.perf_counter() - began) * 1000 / 5, 1e-3)
    for _ in range(max(1, int(warmup / short))):
        fn()
    return _summarize_statistics(timed(max(_SAMPLES, int(rep / whole)), True), quantiles, return_mode)


def do_bench_cudagraph(fn, rep=20, grad_to_none=None, quantiles=None, return_mode="mean"):
    """``do_bench`` without the host's part: on an NVIDIA device calls are captured in a graph and replayed; elsewhere the
    calls run back to back, without eviction of caches, and each sample is the mean of a batch.

    Errors: as ``do_bench``.
    """
    assert return_mode in _MODES, f"return_mode is one of {_MODES}"
    active = _driver()
    if active.get_current_target().backend != "cuda":
        return _bench_batches(active.get_device_interface(), fn, rep, grad_to_none, quantiles, return_mode)
    import torch
    with torch.cuda.stream(torch.cuda.Stream()):
        fn()
        for x in grad_to_none or ():
            x.detach_()
            x.requires_grad_(True)
        _clear_gradients(grad_to_none)

        def elapsed(run):
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            run()
            end.record()
            torch.cuda.synchronize()
            return start.elapsed_time(end)

        estimate = elapsed(lambda: [fn() for _ in range(5)]) / 5
        calls = max(1, int(rep / estimate)) if estimate else 1000
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for _ in range(calls):
                _clear_gradients(grad_to_none)
                fn()
        torch.cuda.synchronize()
        return _summarize_statistics([elapsed(graph.replay) / calls for _ in range(10)], quantiles, return_mode)


def _bench_batches(device, fn, rep, grad_to_none, quantiles, return_mode):

    def elapsed(calls):
        start, end = device.Event(enable_timing=True), device.Event(enable_timing=True)
        start.record()
        for _ in range(calls):
            _clear_gradients(grad_to_none)
            fn()
        end.record()
        device.synchronize()
        return start.elapsed_time(end) / calls

    fn()
    calls = max(1, int(rep / max(elapsed(5), 1e-4)))
    return _summarize_statistics([elapsed(calls) for _ in range(10)], quantiles, return_mode)


def assert_close(x, y, atol=None, rtol=None, err_msg=""):
    """Checks that ``x`` and ``y`` (numbers, lists, NumPy arrays, torch tensors) are equal up to ``atol`` (0.01 if None)
    plus ``rtol`` (0 if None) times ``|y|``; NaN equals NaN. A tolerance may be a function of the dtype of ``x``.

    Errors: AssertionError, with ``err_msg`` and the worst elements.

    Example:
        >>> tessera.testing.assert_close([1.0, 2.0], [1.0, 2.001])
    """
    import numpy as np

    def array(value):
        if hasattr(value, "detach"):
            value = value.detach()
            value = value.float() if str(value.dtype) == "torch.bfloat16" else value
            return value.cpu().numpy()
        return np.asarray(value)

    kind = getattr(x, "dtype", None)
    atol = atol(kind) if callable(atol) else 1e-2 if atol is None else atol
    rtol = rtol(kind) if callable(rtol) else 0.0 if rtol is None else rtol
    x, y = array(x), array(y)
    if x.size > 1 or y.size > 1:
        np.testing.assert_allclose(x, y, atol=atol, rtol=rtol, equal_nan=True, err_msg=err_msg)
    elif not np.allclose(x, y, atol=atol, rtol=rtol, equal_nan=True):
        raise AssertionError(f"{err_msg} {x} is not close to {y} (atol={atol}, rtol={rtol})")


class Benchmark:
    """What ``perf_report`` measures: a line for each of ``line_vals`` (argument ``line_arg``, label in ``line_names``)
    over the values ``x_vals`` of the arguments ``x_names`` (a tuple a point, or one value for all of them); ``args`` stay
    fixed. The rest describes the plot: ``plot_name`` is also the name of its files; ``styles`` are (colour, line style).
    """

    def __init__(self, x_names, x_vals, line_arg, line_vals, line_names, plot_name, args, xlabel="", ylabel="",
                 x_log=False, y_log=False, styles=None):
        self.x_names = x_names
        self.x_vals = x_vals
        self.line_arg = line_arg
        self.line_vals = line_vals
        self.line_names = line_names
        self.plot_name = plot_name
        self.args = args
        self.xlabel = xlabel
        self.ylabel = ylabel
        self.x_log = x_log
        self.y_log = y_log
        self.styles = styles


class Mark:
    """A function with its benchmarks; see ``perf_report``."""

    def __init__(self, fn, benchmarks):
        self.fn = fn
        self.benchmarks = benchmarks

    def run(self, show_plots=False, print_data=False, save_path="", return_df=False, **kwargs):
        """Measures. ``print_data`` prints a table, ``save_path`` is a folder for tables (CSV), plots (PNG) and a page with
        all plots; plots need matplotlib and are left out without it. ``return_df`` returns the table (a list of tables for
        a list of benchmarks): a pandas DataFrame where pandas is, else a ``Table``. Further arguments go to the function,
        except ``diff_col`` (adds the difference of two lines) and ``save_precision`` (digits in the CSV)."""
        one = isinstance(self.benchmarks, Benchmark)
        tables = []
        if save_path:
            os.makedirs(save_path, exist_ok=True)
        try:
            for bench in ([self.benchmarks] if one else self.benchmarks):
                tables.append(self._run(bench, save_path, show_plots, print_data, **kwargs))
        finally:
            if save_path:
                with open(os.path.join(save_path, "results.html"), "w") as page:
                    names = [bench.plot_name for bench in ([self.benchmarks] if one else self.benchmarks)][:len(tables)]
                    page.write("<html><body>\n" + "".join(f'<img src="{name}.png"/>\n' for name in names) + "</body></html>\n")
        return (tables[0] if one else tables) if return_df else None

    def _run(self, bench, save_path, show_plots, print_data, diff_col=False, save_precision=6, **kwargs):
        x_names = list(bench.x_names)
        labels = [f"{name} ({bench.ylabel})" for name in bench.line_names]
        rows, spans = [], []
        for x in bench.x_vals:
            x = list(x) if isinstance(x, (list, tuple)) else [x] * len(x_names)
            if len(x) != len(x_names):
                raise ValueError(f"Expected {len(x_names)} values, got {x}")
            means, span = [], []
            for value in bench.line_vals:
                result = self.fn(**dict(zip(x_names, x)), **{bench.line_arg: value}, **bench.args, **kwargs)
                mean, low, high = result if isinstance(result, (tuple, list)) else (result, None, None)
                means.append(mean)
                span.append((low, high))
            rows.append(x + means)
            spans.append(span)
        if bench.plot_name and (show_plots or save_path):
            self._plot(bench, rows, spans, labels, len(x_names), show_plots, save_path)
        columns = x_names + labels
        if diff_col and len(labels) == 2:
            columns.append("Diff")
            rows = [row + [row[-1] - row[-2]] for row in rows]
        table = _table(columns, rows)
        if print_data:
            print(bench.plot_name + ":")
            print(table.to_string())
        if save_path:
            table.to_csv(os.path.join(save_path, f"{bench.plot_name}.csv"), float_format=f"%.{save_precision}f", index=False)
        return table

    @staticmethod
    def _plot(bench, rows, spans, labels, first, show_plots, save_path):
        try:
            import matplotlib
            if not show_plots:
                matplotlib.use("Agg")
            import matplotlib.pyplot as plt
        except ImportError:
            return
        figure, axes = plt.subplots()
        x = [row[0] for row in rows]
        for i, label in enumerate(labels):
            colour, line = bench.styles[i] if bench.styles else (None, None)
            axes.plot(x, [row[first + i] for row in rows], label=label, color=colour, ls=line)
            low, high = [span[i][0] for span in spans], [span[i][1] for span in spans]
            if None not in low and None not in high:
                axes.fill_between(x, [float(v) for v in low], [float(v) for v in high], alpha=0.15, color=colour)
        axes.legend()
        axes.set(xlabel=bench.xlabel or bench.x_names[0], ylabel=bench.ylabel, xscale="log" if bench.x_log else "linear",
                 yscale="log" if bench.y_log else "linear")
        if show_plots:
            plt.show()
        if save_path:
            figure.savefig(os.path.join(save_path, f"{bench.plot_name}.png"))
        plt.close(figure)


class Table:
    """Rows and columns, for where pandas is not installed: ``columns``, ``rows``, ``to_string()``, ``to_csv(path)``."""

    def __init__(self, columns, rows):
        self.columns = columns
        self.rows = rows

    def to_string(self):
        cells = [["", *self.columns]]
        cells += [[str(i), *(f"{v:.6f}" if isinstance(v, float) else str(v) for v in row)] for i, row in enumerate(self.rows)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
        return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths)).rstrip() for row in cells)

    def to_csv(self, path, float_format="%.6f", index=False):
        import csv
        with open(path, "w", newline="") as f:
            writer = csv.writer(f, lineterminator="\n")
            writer.writerow(self.columns)
            writer.writerows([float_format % v if isinstance(v, float) else v for v in row] for row in self.rows)

    __str__ = to_string


def _table(columns, rows):
    try:
        import pandas
    except ImportError:
        return Table(columns, rows)
    return pandas.DataFrame(rows, columns=columns)


def perf_report(benchmarks):
    """Decorates a function that measures one point: it takes the arguments that a ``Benchmark`` (or each of a list) names
    and returns a number, or (mean, low, high). ``.run(print_data=True)`` of the result measures all points."""
    return lambda fn: Mark(fn, benchmarks)


def nvsmi(attrs):
    """Values of the first NVIDIA device as ``nvidia-smi`` names them, as ints."""
    import subprocess
    out = subprocess.check_output(["nvidia-smi", "-i", "0", "--query-gpu=" + ",".join(attrs), "--format=csv,noheader,nounits"],
                                  text=True)
    return [int(x) for x in out.split(",")]


def get_dram_gbps(device=None):
    """The device's memory bandwidth in GB/s, of its clock (kHz) and bus width (bits), two transfers a cycle."""
    active = _driver()
    device = active.get_current_device() if device is None else device
    properties = active.utils.get_device_properties(device)
    return properties["mem_clock_rate"] * properties["mem_bus_width"] * 2 / 1e6 / 8


def _peak_tflops(operations, clock_rate, device):
    active = _driver()
    device = active.get_current_device() if not device else device
    return active.utils.get_device_properties(device)["multiprocessor_count"] * 4 * clock_rate * operations * 1e-9


def _bits(dtype):
    from tessera._types_of_arguments import canonicalize_dtype
    name = getattr(dtype, "name", None) or canonicalize_dtype(dtype)
    return name, int("".join(c for c in name.partition("e")[0] if c.isdigit()))


def _capability(device):
    import torch
    return torch.cuda.get_device_capability(device)


def get_max_tensorcore_tflops(dtype, clock_rate, device=None):
    """The peak of matrix products in TFLOPS of an NVIDIA device, at ``clock_rate`` (kHz). Source: operations a cycle and
    sub-core of NVIDIA's architecture papers for 7.x and 8.x. Errors: RuntimeError for other types."""
    name, bits = _bits(dtype)
    if _capability(device)[0] < 8:
        assert name == "fp16", "matrix units before 8.0 take fp16"
        return _peak_tflops(256, clock_rate, device)
    operations = {32: 256, 16: 512, 8: 1024}.get(bits)
    if operations is None:
        raise RuntimeError("dtype not supported")
    return _peak_tflops(operations, clock_rate, device)


def get_max_simd_tflops(dtype, clock_rate, device=None):
    """The peak of vector arithmetic in TFLOPS of an NVIDIA device, at ``clock_rate`` (kHz). Errors: RuntimeError for other
    types than fp32, fp16, bf16."""
    name, _ = _bits(dtype)
    if name == "fp32":
        return _peak_tflops(32, clock_rate, device)
    if name == "fp16" or (name == "bf16" and _capability(device)[0] >= 8):
        return _peak_tflops(64, clock_rate, device)
    raise RuntimeError("dtype not supported")


def cuda_memcheck(**target_kwargs):
    """Decorates a pytest test: where its arguments include ``target_kwargs`` it runs again under ``compute-sanitizer``."""

    def decorate(test):
        import functools
        import subprocess
        import sys

        @functools.wraps(test)
        def wrapper(*args, **kwargs):
            if not target_kwargs.items() <= kwargs.items() or os.environ.get("TESSERA_MEMCHECK"):
                return test(*args, **kwargs)
            assert "request" in kwargs, "memcheck'ed test must have a (possibly unused) `request` fixture"
            node = f"{os.path.realpath(test.__globals__['__file__'])}::{test.__name__}[{kwargs['request'].node.callspec.id}]"
            out = subprocess.run(["compute-sanitizer", sys.executable, "-m", "pytest", "-vs", node], capture_output=True,
                                 text=True, env={**os.environ, "TESSERA_MEMCHECK": "1", "PYTORCH_NO_CUDA_MEMORY_CACHING": "1"})
            assert out.returncode == 0 and "ERROR SUMMARY: 0 errors" in out.stdout, out.stdout

        return wrapper

    return decorate


@contextmanager
def set_gpu_clock(ref_sm_clock=1350, ref_mem_clock=1215):
    """Fixes the clocks (MHz) of the first NVIDIA device inside the block; gives (TFLOPS, GB/s) at them for an A100.
    Errors: AssertionError when the device does not follow; needs administrator's rights."""
    import subprocess

    def smi(*arguments):
        subprocess.check_output(["nvidia-smi", "-i", "0", *arguments])

    try:
        smi("-pm", "1")
        smi(f"--lock-gpu-clocks={ref_sm_clock},{ref_sm_clock}")
        smi(f"--lock-memory-clocks={ref_mem_clock},{ref_mem_clock}")
        now = nvsmi(["clocks.current.sm"])[0]
        assert abs(now - ref_sm_clock) < 10, f"GPU SMs must run at {ref_sm_clock} MHz"
        yield 1e-6 * 2 * 108 * 4 * 256 * ref_sm_clock, 640 * 2 * ref_mem_clock * 1e-3
    finally:
        for arguments in (("-pm", "0"), ("-rgc",), ("-rmc",)):
            smi(*arguments)
