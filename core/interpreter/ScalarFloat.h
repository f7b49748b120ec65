// ScalarFloat.h - the float half of ScalarSemantics; private to core/interpreter
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/interpreter/ScalarSemantics.h"

namespace tessera::scalar {

// nullptr where `code` is not float arithmetic, a float comparison or an elementary function.
Fn floatFn(tbc::Opcode code, Elem in);

} // namespace tessera::scalar
