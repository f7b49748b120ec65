# test_testing.py - measuring, comparing, tables
# SPDX-License-Identifier: Apache-2.0
import csv
import time

import numpy as np
import pytest
from tessera import testing


def test_do_bench_measures_what_it_says():
    times = testing.do_bench(lambda: time.sleep(0.002), warmup=1, rep=20, return_mode="all")
    assert all(1.9 < t < 50 for t in times) and len(times) >= 3
    median, low, high = testing.do_bench(lambda: time.sleep(0.001), warmup=1, rep=10, quantiles=[0.5, 0.2, 0.8])
    assert low <= median <= high
    assert testing.do_bench_cudagraph(lambda: time.sleep(0.001), rep=5, return_mode="min") >= 1
    with pytest.raises(AssertionError, match="return_mode"):
        testing.do_bench(lambda: None, return_mode="middle")


def test_quantiles_agree_with_numpy():
    values = [5.0, 1.0, 4.0, 2.5]
    wanted = [0.0, 0.2, 0.5, 0.8, 1.0]
    np.testing.assert_allclose(testing._quantile(values, wanted), np.quantile(values, wanted))
    with pytest.raises(ValueError, match=r"range \[0, 1\]"):
        testing._quantile(values, [1.5])
    assert testing._summarize_statistics(values, None, "mean") == 3.125
    assert testing._summarize_statistics(values, None, "max") == 5.0
    assert testing._summarize_statistics(values, [0.5], "mean") == 3.25


def test_gradients_are_dropped_before_every_call():

    class Tensor:
        grad = "left over"

    x, seen = Tensor(), []

    def step():
        seen.append(x.grad)
        x.grad = "accumulated"

    testing.do_bench(step, warmup=0, rep=1, grad_to_none=[x])
    assert seen[-1] is None


def test_assert_close():
    testing.assert_close(np.ones(3), np.ones(3) + 0.005)
    testing.assert_close(float("nan"), float("nan"))
    testing.assert_close(np.float32(1), 1.5, atol=lambda dtype: 1)
    with pytest.raises(AssertionError):
        testing.assert_close(np.ones(3), np.ones(3) + 0.02)
    with pytest.raises(AssertionError, match="the sum"):
        testing.assert_close(1.0, 2.0, err_msg="the sum")
    testing.assert_close(100.0, 101.0, rtol=0.01)


def report(columns="GB/s"):

    @testing.perf_report(testing.Benchmark(x_names=["n"], x_vals=[1, 2, 4], line_arg="provider", line_vals=["a", "b"],
                                           line_names=["A", "B"], plot_name="speed", args={"scale": 10}, ylabel=columns))
    def bench(n, provider, scale):
        value = n * scale * (2 if provider == "b" else 1)
        return value, value - 1, value + 1

    return bench


def test_perf_report_writes_tables(tmp_path, capsys):
    report().run(print_data=True, save_path=str(tmp_path))
    with open(tmp_path / "speed.csv") as f:
        rows = list(csv.reader(f))
    assert rows[0] == ["n", "A (GB/s)", "B (GB/s)"]
    assert [[float(x) for x in row] for row in rows[1:]] == [[1, 10, 20], [2, 20, 40], [4, 40, 80]]
    assert "speed:" in capsys.readouterr().out and "speed.png" in (tmp_path / "results.html").read_text()


def test_perf_report_without_pandas(monkeypatch):
    import sys
    monkeypatch.setitem(sys.modules, "pandas", None)
    table = report().run(return_df=True, diff_col=True)
    assert table.columns == ["n", "A (GB/s)", "B (GB/s)", "Diff"] and table.rows[2] == [4, 40, 80, 40]
    assert table.to_string().splitlines()[1].split() == ["0", "1", "10", "20", "10"]


def test_points_need_a_value_for_each_name():
    mark = testing.Mark(lambda **kw: 1, testing.Benchmark(["m", "n"], [(1, 2, 3)], "p", [0], ["zero"], "", {}))
    with pytest.raises(ValueError, match="Expected 2 values"):
        mark.run()
