// Aggregates.h - classes of the kernel's file whose instances are values of a kernel
//
// SPDX-License-Identifier: Apache-2.0
//
// `@tl.core._aggregate` (or `@triton.aggregate`) on a class with annotated fields. An instance is a Value of kind Tuple with
// `aggregate` set: its items are the fields in the order of the annotations.
#pragma once

#include "frontends/python/sema/Value.h"

namespace tessera::py {

bool isAggregateClass(const HostValue &v);
// A plain Python function of the file: neither jit nor constexpr. Null: it is none.
const FunctionObject *plainFunction(const HostValue &v);
// A function of the file as the visitor calls it, plain or jit.
Value functionValue(const HostValue &v, bool isConstructor);

} // namespace tessera::py
