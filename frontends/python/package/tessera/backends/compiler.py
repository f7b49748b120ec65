# backends/compiler.py - what a target is called, and the interface of a compiler as Python programs see it
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from abc import ABCMeta, abstractmethod
from dataclasses import dataclass, field
from enum import Enum


@dataclass(frozen=True)
class GPUTarget:
    """A target: ``backend`` ("cpu", "cuda", "hip", …), ``arch`` (90, "gfx942", "x86-64-v4", …), threads of a warp; ``features``: what a device
    has or lacks beside its architecture, as targets spell it ("tensor_copies-": an older driver), nearly always ""."""
    backend: str
    arch: int | str
    warp_size: int
    features: str = field(default="", repr=False)


class Language(Enum):
    """What a source is written in."""
    TRITON = 0
    GLUON = 1


class BaseBackend(metaclass=ABCMeta):
    """A compiler for a target. The package has one for every plugin; programs derive from this class in tests."""

    supports_native_tensor_specialization = True

    def __init__(self, target):
        self.target = target
        assert self.supports_target(target), f"{type(self).__name__} does not compile for {target}"

    @staticmethod
    @abstractmethod
    def supports_target(target):
        """Whether this class compiles for ``target``."""

    @abstractmethod
    def hash(self):
        """What must be in the key of compiled code: the plugin's build."""

    @abstractmethod
    def parse_options(self, options):
        """Options of a launch as an object; unknown names are left out."""

    def add_stages(self, stages, options, language=None):
        """Stages run in the compiler library; there is nothing to add here."""

    def load_dialects(self, context):
        """Dialects live in the compiler library."""

    def get_module_map(self):
        return {}

    def get_codegen_implementation(self, options):
        """What the target adds to the language; the compiler library has it."""
        return {}

    @staticmethod
    def parse_attr(desc):
        return [["tt.divisibility", 16]] if "D" in desc else []

    @staticmethod
    def get_int_specialization(arg, **kwargs):
        return "D" if arg % 16 == 0 and kwargs.get("align", False) else ""

    @staticmethod
    def get_tensor_specialization(arg, **kwargs):
        return "D" if arg.data_ptr() % 16 == 0 and kwargs.get("align", False) else ""
