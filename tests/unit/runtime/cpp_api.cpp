// cpp_api.cpp - a program on libtessera.so with the headers as an installation has them: in one folder, no tree around it
// SPDX-License-Identifier: Apache-2.0
//
// usage: cpp_api FILE.tk: runs the kernel add(x, y, n, a) of a compiled kernel file on the processor.
#include "tessera.hpp"

#include <cstdio>
#include <vector>

int main(int argc, char **argv) {
  try {
    tessera::Device device("cpu");
    tessera::Module module(device, argc > 1 ? argv[1] : "add.tk");
    constexpr int n = 1000;
    std::vector<float> host(n, 2.0F);
    tessera::Buffer x(device, n * sizeof(float)), y(device, n * sizeof(float));
    x.write(host.data(), x.bytes());
    module.kernel("add")((n + 99) / 100, x, y, n, 0.5);
    y.read(host.data(), y.bytes());
    return host[n - 1] == 2.5F ? 0 : 1;
  } catch (const tessera::Error &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
