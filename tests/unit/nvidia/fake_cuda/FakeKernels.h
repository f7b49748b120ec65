// FakeKernels.h - the kernels that FakeCuda.h names
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/unit/nvidia/fake_cuda/FakeCuda.h"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace tessera::fake_cuda {

// Runs one program. port: the bytes of the module's tsr_messages, NULL where it has none. Gives 0, or the fault that takes the
// context down.
int runKernel(const std::string &name, const std::vector<char> &arguments, const std::string *port);
// Bytes of arguments that a kernel of this name takes.
size_t argumentBytes(const std::string &name);
// Where the machine code reads a parameter; false: it has none of that number. A tensor map is the last one of "copies", where ptxas puts it behind
// arguments of up to 112 bytes.
bool parameterAt(const std::string &name, size_t index, size_t &offset, size_t &bytes);
// What `extra` of a launch or node gives.
std::vector<char> argumentsOf(void **extra);
// The names of the kernels of a module with this text.
std::vector<std::string> entriesOf(const std::string &text);
// The global variables, with their bytes, of a module with this text.
std::map<std::string, std::string> globalsOf(const std::string &text, const Control &control);

} // namespace tessera::fake_cuda
