# options.py - options of a launch: which there are, and what they are by default on a target
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
import sys
from dataclasses import dataclass, fields, replace

_FP8 = ("fp8e5", "fp8e4b15", "fp8e4nv", "fp8e4b8", "fp8e5b16")


@dataclass(frozen=True)
class Options:
    """Options of a launch, ``kernel[grid](…, num_warps=8)``. The names are Triton's for all its targets, so that a program
    may set them whatever it runs on; those that a target has no use for change nothing in its code (``used_options``)."""
    num_warps: int = 4
    num_ctas: int = 1
    num_stages: int = 3
    warp_size: int = 32
    maxnreg: int | None = None
    enable_fp_fusion: bool = True
    debug: bool = False
    sanitize_overflow: bool = True
    opt_level: int = 0
    default_dot_input_precision: str = "ieee"
    allowed_dot_input_precisions: tuple = ("ieee", "tf32", "tf32x3", "bf16x3", "bf16x6")
    max_num_imprecise_acc_default: int | None = None
    supported_fp8_dtypes: tuple = _FP8
    deprecated_fp8_dot_operand_dtypes: tuple = ()
    extern_libs: tuple = ()
    libdevice_path: str | None = None
    arch: str | None = None
    backend_name: str = ""
    launch_cooperative_grid: bool = False
    launch_cluster: bool = False
    launch_pdl: bool = False
    cluster_dims: tuple = (1, 1, 1)
    ptx_version: int | None = None
    ptx_options: str | None = None
    ir_override: str | None = None
    enable_reflect_ftz: bool = True
    instrumentation_mode: str = ""
    waves_per_eu: int = 0
    matrix_instr_nonkdim: int = 0
    kpack: int = 1
    schedule_hint: str = "none"
    allow_flush_denorm: bool = False
    num_buffers_warp_spec: int = 0
    num_consumer_groups: int = 0
    reg_dec_producer: int = 0
    reg_inc_consumer: int = 0
    # Accesses by descriptor as tensor copies where the device has them; False: by pointers.
    tensor_copies: bool = True
    # Accesses through pointers too: loads that a dot in a loop takes, the store of its result in a loop over tiles, where their addresses allow it; False: never.
    pointer_copies: bool = True
    # Warps that only load where they win, asked for or not; False: only for tl.range(…, warp_specialize=True).
    auto_warp_specialize: bool = True
    # A loop over the grid whose iterations are independent may run in more programs than a launch asks for; False: in those.
    grid_stride: bool = True
    # Source lines in the machine code; off where TRITON_DISABLE_LINE_INFO says so.
    line_info: bool = True
    # On devices that can, a kernel is started before the one ahead of it in the stream has ended, and waits for that itself.
    overlap_launches: bool = True

    def __post_init__(self):
        libraries = self.extern_libs.items() if isinstance(self.extern_libs, dict) else self.extern_libs or ()
        object.__setattr__(self, "extern_libs", tuple((name, str(path)) for name, path in libraries))
        assert self.num_warps > 0 and self.num_warps & (self.num_warps - 1) == 0, "num_warps must be a power of 2"

    def linked_libraries(self):
        """Of ``extern_libs`` those to link. tl.extra.libdevice is part of the compiler: its bitcode is needed by no kernel, and what
        extern_elementwise asks of it comes from ``libdevice_path``."""
        return tuple((name, path) for name, path in self.extern_libs if name != "libdevice")

    def hash(self):
        """A text that differs where the options do."""
        import hashlib
        return hashlib.sha256(repr(self).encode()).hexdigest()


NAMES = frozenset(field.name for field in fields(Options))

# Options without a meaning on a target, with the value that its kernels are compiled with: a program of the processor is one
# thread, and what to prefetch is the code generator's decision.
_UNUSED = {"cpu": {"num_warps": 1, "num_stages": 1, "maxnreg": None}}


def _unused(target, fn):
    unused = _UNUSED.get(target.backend, {})
    asked = fn.asked_options if unused and fn is not None else ()
    return {name: value for name, value in unused.items() if name not in asked} if asked else unused


def unused_options(target, fn):
    """Names of the options that code of ``fn``, a jit function, for ``target``, a GPUTarget, does not depend on: the target has no
    use for them and the source does not ask for them (``tl.extra.cuda.num_threads()``)."""
    return _unused(target, fn).keys()


def used_options(target, options, fn):
    """``options`` with a fixed value for those of ``unused_options``: what code of ``fn`` depends on. None for ``fn``: a module of
    IR, which has its values in it."""
    unused = _unused(target, fn)
    return replace(options, **unused) if unused else options


def arch_number(arch):
    """"90" of "sm90", "sm_90a" or 90. Errors: ValueError for what names no architecture."""
    found = re.fullmatch(r"(?:sm_?)?(\d+)[af]?", str(arch))
    if found is None:
        raise ValueError(f"arch {arch!r} (or TRITON_OVERRIDE_ARCH) must have the form sm90")
    return found[1]


def target_with(target, options):
    """``target``, or the one of its kind that the option ``arch`` names instead."""
    if target.backend != "cuda" or arch_number(options.arch) == arch_number(target.arch):
        return target
    return replace(target, arch=int(arch_number(options.arch)))


def parse_options(target, options):
    """The Options of a launch on ``target``, a GPUTarget, from a mapping; names that are no options are left out.

    Errors: AssertionError for a num_warps that is no power of two, TypeError for one that is no int, ValueError for clusters on a target without them and an
    ``arch`` that is none.
    """
    given = {name: value for name, value in options.items() if name in NAMES and value is not None}
    given.setdefault("warp_size", target.warp_size or 1)
    given.setdefault("backend_name", target.backend)
    knobs = sys.modules.get("tessera.knobs")
    if target.backend == "cuda":
        override = knobs.runtime.override_arch if knobs is not None else None
        given.setdefault("arch", override or f"sm{target.arch}")
        number = int(arch_number(given["arch"]))
        if int(given.get("num_ctas", 1)) > 1 and number < 90:
            raise ValueError(f"num_ctas > 1 requires NVIDIA SM90+ (Hopper): the target is sm_{number}. Set num_ctas=1, or compile for SM90 "
                             "or later")
        if tuple(given.get("cluster_dims", (1, 1, 1))) != (1, 1, 1):
            raise ValueError("cluster_dims: say num_ctas, the number of blocks that share a program's work, instead")
        given.setdefault("libdevice_path", dict(given.get("extern_libs", ())).get("libdevice") or
                         (knobs.nvidia.libdevice_path if knobs is not None else None))
        given.setdefault("default_dot_input_precision", "tf32")
        # As many as the unit sums by itself. Triton says 0 of other targets than Hopper, and nothing there hears it; here every product would be added apart.
        given.setdefault("max_num_imprecise_acc_default", 2**30)
        given.setdefault("line_info", not (knobs is not None and knobs.compilation.disable_line_info))
        if knobs is not None and knobs.nvidia.ptxas_options:
            given.setdefault("ptx_options", knobs.nvidia.ptxas_options)
    given.setdefault("arch", str(target.arch))
    if "num_stages" not in given and target.backend == "hip":
        given["num_stages"] = 2
    if knobs is not None:
        given.setdefault("enable_fp_fusion", knobs.language.default_fp_fusion)
        if knobs.language.fp32_default:
            given["default_dot_input_precision"] = knobs.language.fp32_default
    for name in ("num_warps", "num_ctas", "num_stages"):
        value = given.get(name, getattr(Options, name))
        try:
            given[name] = int(value)
        except (TypeError, ValueError):
            raise TypeError(f"{name} must be an int, not {value!r}") from None
    return Options(**given)


def compiler_options(options):
    """What the compiler library takes, as pairs of texts."""
    pairs = [("num_warps", str(options.num_warps)), ("num_stages", str(options.num_stages)), ("num_ctas", str(options.num_ctas)),
             ("fp_fusion", str(int(options.enable_fp_fusion))), ("debug", str(int(options.debug)))]
    if options.debug and not options.sanitize_overflow:
        pairs.append(("sanitize_overflow", "0"))
    if options.enable_reflect_ftz and options.backend_name == "cuda":
        pairs.append(("flush_subnormals", "1"))
    if options.opt_level:
        pairs.append(("opt_level", str(options.opt_level)))
    if libraries := options.linked_libraries():
        pairs.append(("extern_libs", ";".join(f"{name}={path}" for name, path in libraries)))
    if not options.tensor_copies:
        pairs.append(("tensor_copies", "0"))
    if not options.pointer_copies:
        pairs.append(("pointer_copies", "0"))
    if not options.grid_stride:
        pairs.append(("grid_stride", "0"))
    if not options.auto_warp_specialize:
        pairs.append(("auto_warp_specialize", "0"))
    if options.default_dot_input_precision:
        pairs.append(("default_dot_input_precision", options.default_dot_input_precision))
    if options.max_num_imprecise_acc_default is not None:
        pairs.append(("max_num_imprecise_acc_default", str(options.max_num_imprecise_acc_default)))
    if options.backend_name == "cuda":
        if options.libdevice_path:
            pairs.append(("libdevice", str(options.libdevice_path)))
        for name in ("launch_cooperative_grid", "launch_pdl", "ptx_version", "ptx_options"):
            value = getattr(options, name)
            if value:
                pairs.append((name, str(int(value) if isinstance(value, bool) else value)))
        if not options.enable_reflect_ftz:
            pairs.append(("reflect_ftz", "0"))
        if not options.line_info:
            pairs.append(("line_info", "0"))
        if not options.overlap_launches:
            pairs.append(("overlap_launches", "0"))
    if options.maxnreg:
        pairs.append(("maxnreg", str(options.maxnreg)))
    return pairs
