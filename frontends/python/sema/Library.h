// Library.h - the functions of the language that are written in the language (frontends/python/stdlib)
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontends/python/sema/Sema.h"

#include <memory>
#include <string_view>
#include <vector>

namespace tessera::py {

// Parsed at the first question, once a process. Null: no such function. Thread-safe.
std::shared_ptr<const JitFunction> libraryFunction(std::string_view space, std::string_view name);
std::vector<std::string_view> libraryNames(std::string_view space);

} // namespace tessera::py
