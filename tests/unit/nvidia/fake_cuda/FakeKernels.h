// FakeKernels.h - the kernels that FakeCuda.h names
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tessera::fake_cuda {

// Runs one program. port: the bytes of the module's tsr_messages, NULL where it has none. Gives 0, or the fault that takes the
// context down.
int runKernel(const std::string &name, const std::vector<char> &arguments, const std::string *port);
// Bytes of arguments that a kernel of this name takes.
size_t argumentBytes(const std::string &name);

} // namespace tessera::fake_cuda
