# autotuner.py - choosing a kernel's constants by measuring
# SPDX-License-Identifier: Apache-2.0
"""``autotune`` and ``heuristics``. How a kernel is tuned: candidates are pruned, those without a stored result compile in
parallel (once where several are the same kernel on this target), those that cannot fit are dropped with the reason, the rest
are measured, memory that the kernel writes is put back."""
from __future__ import annotations

import builtins
import time

from tessera import knobs
from tessera.runtime import tuning
from tessera.runtime.errors import AutotunerError, OutOfResources, PTXASError  # noqa: F401 (programs look for all three here)
from tessera.runtime.jit import JITFunction, KernelInterface


class Config:
    """One candidate: ``kwargs`` are the kernel's constants; the rest are launch options.

    ``num_warps``, ``num_stages``, ``num_ctas``: as in a launch. ``maxnreg``: a limit of registers a thread, where a target
    has one. ``pre_hook(args)`` runs before each launch with this candidate and may change the dict of all arguments.
    ``ir_override``: a file with intermediate code to use instead.
    """

    def __init__(self, kwargs, num_warps=4, num_stages=3, num_ctas=1, maxnreg=None, pre_hook=None, ir_override=None):
        self.kwargs = kwargs
        self.num_warps = num_warps
        self.num_ctas = num_ctas
        self.num_stages = num_stages
        self.maxnreg = maxnreg
        self.pre_hook = pre_hook
        self.ir_override = ir_override

    def __setstate__(self, state):
        self.__init__(state.get("kwargs", {}))
        self.__dict__.update(state)

    def all_kwargs(self):
        """The constants and the options that are set, as keyword arguments of a launch."""
        options = {name: getattr(self, name) for name in ("num_warps", "num_ctas", "num_stages", "maxnreg", "ir_override")}
        return {**self.kwargs, **{name: value for name, value in options.items() if value is not None}}

    def __str__(self):
        options = ("num_warps", "num_ctas", "num_stages", "maxnreg")
        return ", ".join([f"{name}: {value}" for name, value in self.kwargs.items()] +
                         [f"{name}: {getattr(self, name)}" for name in options])

    def __repr__(self):
        return f"Config({self})"

    def _identity(self):
        return (*self.all_kwargs().items(), self.pre_hook)

    def __hash__(self):
        return hash(self._identity())

    def __eq__(self, other):
        return isinstance(other, Config) and self._identity() == other._identity()


class Autotuner(KernelInterface):
    """A kernel with candidates; ``autotune`` makes it, programs derive from it.

    ``configs``: all candidates. ``cache``: key -> best Config. After a launch: ``best_config``; after tuning:
    ``configs_timings`` (Config -> milliseconds at quantiles 0.5, 0.2, 0.8; infinite where it does not work), ``dropped``
    (Config -> why), ``bench_time`` (seconds). ``fn`` is what is launched, ``base_fn`` the Python function, ``nargs`` the
    positional arguments by name during a launch.
    """

    def __init__(self, fn, arg_names, configs, key, reset_to_zero, restore_value, pre_hook=None, post_hook=None,
                 prune_configs_by=None, warmup=None, rep=None, use_cuda_graph=False, do_bench=None, cache_results=False):
        self.configs = configs if configs else [Config({})]
        self.keys = key
        self.arg_names = arg_names
        self.cache = {}
        self.fn = fn
        self.base_fn = _python_function(fn)
        self.__name__ = self.base_fn.__name__
        self.__doc__ = self.base_fn.__doc__
        self.nargs = None
        self.best_config = None
        self.bench_time = 0.0
        self.configs_timings = {}
        self.dropped = {}
        self.reset_to_zero = list(reset_to_zero or ())
        self.restore_value = list(restore_value or ())
        self._set_hooks(pre_hook, post_hook)
        prune = prune_configs_by or {}
        self.perf_model = prune.get("perf_model")
        self.configs_top_k = prune.get("top_k", 1.0)
        self.early_config_prune = prune.get("early_config_prune")
        self.num_warmups = warmup
        self.num_reps = rep
        self.use_cuda_graph = use_cuda_graph
        self._do_bench = do_bench
        if warmup is not None or rep is not None or use_cuda_graph:
            self._use_old_options(warmup, rep, use_cuda_graph)
        # None: stored where nothing of the user's measures or watches; see _stores_results.
        self.cache_results = True if cache_results else knobs.autotuning.cache
        self._best_time = float("inf")
        self._sampler = None  # while candidates are measured: it holds memory of the device

    def _set_hooks(self, pre_hook, post_hook):
        self.user_defined_pre_hook = bool(pre_hook)
        self.user_defined_post_hook = bool(post_hook)
        self.pre_hook = pre_hook or self._prepare_values
        self.post_hook = post_hook or self._restore_values
        self.restore_copies = {}

    def _prepare_values(self, kwargs, reset_only=False):
        for name in self.reset_to_zero:
            tuning.zero(kwargs[name])
        if not reset_only:
            self.restore_copies = {name: tuning.snapshot(kwargs[name]) for name in self.restore_value}

    def _restore_values(self, kwargs, exception=None):
        for name, saved in self.restore_copies.items():
            saved.restore()
        self.restore_copies = {}

    def _use_old_options(self, warmup, rep, use_cuda_graph):
        import warnings
        warnings.warn("warmup, rep, and use_cuda_graph of autotune are deprecated: pass do_bench", DeprecationWarning,
                      stacklevel=4)
        from tessera import testing
        rep = 100 if rep is None else rep
        if use_cuda_graph:
            self._do_bench = lambda call, quantiles: testing.do_bench_cudagraph(call, rep=rep, quantiles=quantiles)
        else:
            warmup = 25 if warmup is None else warmup
            self._do_bench = lambda call, quantiles: testing.do_bench(call, warmup=warmup, rep=rep, quantiles=quantiles)

    @property
    def do_bench(self):
        """What measures: the user's function, else the active driver's."""
        if self._do_bench is None:
            from tessera.runtime.driver import driver
            return driver.active.get_benchmarker()
        return self._do_bench

    @do_bench.setter
    def do_bench(self, function):
        self._do_bench = function

    def _measures_itself(self):
        """Whether our own measuring applies: nobody else's was asked for, here or by a subclass."""
        from tessera import testing
        return self._do_bench is None and getattr(self.do_bench, "__wrapped__", self.do_bench) is testing.do_bench

    def _stores_results(self, configs):
        if knobs.runtime.interpret or any(config.pre_hook for config in configs):
            return False
        if self.cache_results is None:
            return (self._do_bench is None and not self.user_defined_pre_hook and not self.user_defined_post_hook and
                    isinstance(tuning.innermost(self.fn), JITFunction))
        return self.cache_results

    def _bench(self, *args, config, **meta):
        """Measures one candidate; [milliseconds at 0.5, 0.2, 0.8], or infinities where it does not work."""
        if knobs.autotuning.print:
            print(f"Autotuning kernel {self.base_fn.__name__} with config {config}")
        self._check_conflicts(config, meta)
        current = dict(meta, **config.all_kwargs())
        named = {**self.nargs, **current}

        def prepare():
            if config.pre_hook:
                config.pre_hook(named)
            self.pre_hook(named)

        def launch():
            try:
                self.fn.run(*args, **current)
            except Exception as error:
                try:
                    self.post_hook(named, exception=error)
                finally:
                    raise

        def finish():
            self.post_hook(named, exception=None)

        def all_three():
            prepare()
            launch()
            finish()

        try:
            if self._measures_itself():
                if self._sampler is None:
                    self._sampler = tuning.Sampler()
                return self._sampler.quantiles(prepare, launch, finish, self._best_time)
            return self.do_bench(all_three, quantiles=(0.5, 0.2, 0.8))
        except tuning.unfit_errors() as error:
            self._drop(config, error)
            return [float("inf")] * 3

    @staticmethod
    def _check_conflicts(config, given):
        conflicts = given.keys() & config.kwargs.keys()
        if conflicts:
            raise ValueError(f"Conflicting meta-parameters: {', '.join(sorted(conflicts))}. "
                             "Make sure that you don't re-define auto-tuned symbols.")

    def _drop(self, config, error):
        self.dropped[config] = str(error)
        if knobs.autotuning.print:
            print(f"Autotuning failed with {error}")

    def check_disk_cache(self, tuning_key, configs, bench_fn):
        """Runs ``bench_fn`` unless all candidates have stored results; kept for subclasses. True when none was measured."""
        store = tuning.ResultStore(self.fn, tuning_key) if tuning_key and self._stores_results(configs) else None
        stored = store.load(configs) if store else {}
        if len(stored) == len(configs):
            self.configs_timings = stored
            self.cache[tuning_key] = builtins.min(stored, key=stored.get)
            return True
        bench_fn()
        if store:
            store.save({c: t for c, t in self.configs_timings.items() if not c.pre_hook and c not in stored})
        return False

    def _tune(self, key, configs, args, kwargs):
        """Fills ``cache[key]``. Returns whether nothing had to be measured."""
        store = tuning.ResultStore(self.fn, key) if self._stores_results(configs) else None
        timings = store.load(configs) if store else {}
        missing = [config for config in configs if config not in timings]
        if not missing:
            self.configs_timings = timings
            self.cache[key] = builtins.min(timings, key=timings.get)
            return True
        start = time.perf_counter()
        self.dropped = {}
        self._best_time = builtins.min((t[0] for t in timings.values()), default=float("inf"))
        same_as = tuning.representatives(self, [*timings, *missing])
        compiled = tuning.compile_all(self, [config for config in missing if same_as[config] is config], args, kwargs)
        protected = tuning.protect(self, compiled, kwargs)
        progress = tuning.Progress(self.base_fn.__name__, len(missing))
        try:
            for config in missing:
                same = same_as[config]
                if same in timings:
                    timings[config] = timings[same]
                    if same in self.dropped:
                        self.dropped[config] = self.dropped[same]
                elif config in self.dropped:
                    timings[config] = [float("inf")] * 3
                else:
                    timings[config] = self._bench(*args, config=config, **kwargs)
                    self._best_time = builtins.min(self._best_time, _median(timings[config]))
                progress.step(config, _median(timings[config]))
            if self._sampler is not None and not self._sampler.on_host:
                # What disturbed a good one once shall not decide.
                for config in tuning.close_to_best(timings, missing, same_as):
                    again = self._bench(*args, config=config, **kwargs)
                    timings[config] = builtins.min(timings[config], again, key=_median)
        finally:
            self._sampler = None
            progress.close()
            for saved in protected:
                saved.restore()
        self.bench_time = time.perf_counter() - start
        self.configs_timings = timings
        best = builtins.min(timings, key=timings.get)
        if _median(timings[best]) == float("inf") and self.dropped:
            # Nothing works: launching the best of nothing would hide why.
            self._explain_failure()
        self.cache[key] = best
        self.pre_hook({**self.nargs, **kwargs, **best.all_kwargs()}, reset_only=True)
        if store:
            store.save({config: timings[config] for config in missing})
        return False

    def _explain_failure(self):
        for config, error in getattr(self, "_unfit", {}).items():
            if isinstance(error, OutOfResources):
                raise error

    def _key(self, kwargs):
        named = {**self.nargs, **kwargs}
        known = {name: value for name, value in named.items() if name in self.arg_names}
        return tuple([known[name] for name in self.keys if name in known] +
                     [str(value.dtype) for value in known.values() if hasattr(value, "dtype")])

    def run(self, *args, **kwargs):
        """Launches with the best candidate for these arguments, after tuning if their key is new."""
        self.nargs = dict(zip(self.arg_names, args))
        stored, key = True, None
        if len(self.configs) > 1:
            key = self._key(kwargs)
            if key not in self.cache:
                stored = self._tune(key, self.prune_configs(kwargs), args, kwargs)
            config = self.cache[key]
        else:
            config = self.configs[0]
        self._check_conflicts(config, kwargs)
        self.best_config = config
        if knobs.autotuning.print and not stored:
            print(f"Triton autotuning for function {self.base_fn.__name__},\nwith key as {key},\n"
                  f"finished after {self.bench_time:.2f}s,\nbest config selected: {self.best_config};")
        if config.pre_hook is not None:
            config.pre_hook({**self.nargs, **kwargs, **config.all_kwargs()})
        result = self.fn.run(*args, **kwargs, **config.all_kwargs())
        self.nargs = None
        return result

    def prune_configs(self, kwargs):
        """The candidates to try, after the user's ``early_config_prune`` and ``perf_model``.
        Errors: AutotunerError when none is left, TypeError for a ``top_k`` that is neither a share nor a count."""
        configs = self.configs
        if self.early_config_prune:
            configs = self.early_config_prune(self.configs, self.nargs, **kwargs)
            if not configs:
                raise AutotunerError("No valid autotuner configs after pruning. `early_config_prune` should return at least "
                                     "one config.")
        if self.perf_model:
            count = self.configs_top_k
            if isinstance(count, float) and count <= 1.0:
                count = int(len(self.configs) * count)
            elif not isinstance(count, int):
                raise TypeError("Error while pruning configs, top_k must be either 1) a float <= 1.0 or 2) an int")
            if len(configs) > count:
                expected = {c: self.perf_model(**self.nargs, **kwargs, **c.all_kwargs()) for c in configs}
                configs = sorted(expected, key=expected.get)[:count]
        return configs

    def warmup(self, *args, **kwargs):
        """Compiles every candidate; returns the kernels."""
        self.nargs = dict(zip(self.arg_names, args))
        kernels = [self.fn.warmup(*args, **kwargs, **config.all_kwargs()) for config in self.prune_configs(kwargs)]
        self.nargs = None
        return kernels


def _median(timing):
    return timing[0] if isinstance(timing, (list, builtins.tuple)) else timing


def _python_function(fn):
    import inspect
    while not inspect.isfunction(fn):
        fn = fn.fn
    return fn


def autotune(configs, key, prune_configs_by=None, reset_to_zero=None, restore_value=None, pre_hook=None, post_hook=None,
             warmup=None, rep=None, use_cuda_graph=False, do_bench=None, cache_results=False):
    """Lets a kernel choose among ``configs`` by measuring, once for each value of the arguments named in ``key`` and for
    each combination of the tensors' dtypes.

    ``prune_configs_by``: a dict with ``early_config_prune(configs, named_args, **kwargs)``, which returns those to try, and
    ``perf_model(**args)``, an estimated time by which the best ``top_k`` (a share or a count) are taken.
    ``reset_to_zero``, ``restore_value``: arguments to zero before, or to put back after, each measured launch. Arguments that
    the kernel writes are put back after tuning without being named. ``pre_hook(args, reset_only=False)`` and
    ``post_hook(args, exception=None)`` take the place of that. ``do_bench(call, quantiles=…)`` takes the place of our
    measuring and returns milliseconds. Results are kept on disk, one entry a candidate, unless ``do_bench`` or a hook is the
    user's (then with ``cache_results=True``) or TRITON_CACHE_AUTOTUNING=0 says no.

    ``TRITON_PRINT_AUTOTUNING=1`` prints what is tried and what wins.

    Errors: ValueError when a launch passes a constant that the candidates set; AutotunerError when pruning leaves none.

    Example:
        >>> @tessera.autotune(configs=[tessera.Config({"BLOCK": b}) for b in (64, 256)], key=["n"])
        ... @tessera.jit
        ... def double(x, n, BLOCK: tl.constexpr):
        ...     i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
        ...     tl.store(x + i, 2 * tl.load(x + i, mask=i < n), mask=i < n)
        >>> x = numpy.arange(1000, dtype=numpy.float32)
        >>> kernel = double[lambda args: (tessera.cdiv(1000, args["BLOCK"]),)](x, 1000)
        >>> float(x[999]), double.best_config.kwargs["BLOCK"] in (64, 256)
        (1998.0, True)
    """

    def decorate(fn):
        return Autotuner(fn, fn.arg_names, configs, key, reset_to_zero, restore_value, pre_hook=pre_hook,
                         post_hook=post_hook, prune_configs_by=prune_configs_by, warmup=warmup, rep=rep,
                         use_cuda_graph=use_cuda_graph, do_bench=do_bench, cache_results=cache_results)

    return decorate


class Heuristics(KernelInterface):
    """A kernel some of whose constants are computed at every launch; ``heuristics`` makes it."""

    def __init__(self, fn, arg_names, values):
        self.fn = fn
        self.arg_names = arg_names
        self.values = values
        self.__name__ = getattr(fn, "__name__", None)
        self.__doc__ = getattr(fn, "__doc__", None)

    def run(self, *args, **kwargs):
        for name, value in self.values.items():
            kwargs[name] = value({**dict(zip(self.arg_names, args)), **kwargs})
        return self.fn.run(*args, **kwargs)


def heuristics(values):
    """Computes constants of a kernel at every launch: ``values`` maps a parameter's name to a function of the dict of all
    arguments. Decorators stack as autotune, heuristics, jit.

    Example:
        >>> @tessera.heuristics({"BLOCK": lambda args: tessera.next_power_of_2(args["n"])})
        ... @tessera.jit
        ... def fill(x, n, BLOCK: tl.constexpr):
        ...     i = tl.arange(0, BLOCK)
        ...     tl.store(x + i, BLOCK, mask=i < n)
        >>> x = numpy.zeros(5, dtype=numpy.int32)
        >>> kernel = fill[(1,)](x, 5)
        >>> x.tolist()
        [8, 8, 8, 8, 8]
    """

    def decorate(fn):
        return Heuristics(fn, fn.arg_names, values)

    return decorate
