// RandomKernel.cpp - data of random kernels: inputs, the reference run, comparison
// SPDX-License-Identifier: Apache-2.0
#include "tests/lib/RandomKernel.h"

#include "core/interpreter/Interpreter.h"
#include "core/interpreter/Numerics.h"

#include <cmath>
#include <cstring>

namespace tessera::samples {

using tbc::Elem;

std::vector<std::vector<uint8_t>> RandomKernel::initialBuffers() const {
  std::vector<std::vector<uint8_t>> all;
  for (const Buffer &b : buffers)
    all.push_back(b.bytes);
  return all;
}

std::vector<uint64_t> RandomKernel::arguments(std::vector<std::vector<uint8_t>> &given) const {
  std::vector<uint64_t> args = scalars;
  for (auto &b : given)
    args.push_back(reinterpret_cast<uint64_t>(b.data()));
  return args;
}

std::string runReference(const RandomKernel &k, std::vector<std::vector<uint8_t>> &buffers) {
  interp::MemoryMap memory;
  for (size_t i = 0; i < buffers.size(); ++i)
    memory.add(reinterpret_cast<uint64_t>(buffers[i].data()), buffers[i].size(), "buffer " + std::to_string(i));
  interp::Options options;
  options.checkMemory = true;
  options.memory = &memory;
  std::string text;
  for (const Diagnostic &d :
       interp::run(k.module, RandomKernel::kName, k.grid, k.arguments(buffers), options).diagnostics)
    text += renderDiagnostic(d, false);
  return text;
}

namespace {
uint64_t elementAt(const std::vector<uint8_t> &bytes, Elem e, size_t i) {
  uint64_t v = 0;
  size_t size = tbc::elemBits(e) / 8;
  std::memcpy(&v, bytes.data() + i * size, size);
  return v;
}

// Units in the last place that an elementary function and the conversion after it may be off by.
double allowed(Elem e, double want) {
  double unit = e == Elem::F64   ? 0x1p-52
                : e == Elem::F32 ? 0x1p-23
                                 : std::ldexp(1.0, -scalar::floatFormat(e).mantissaBits);
  return std::fabs(want) * unit * 8 + (e == Elem::F64 ? 1e-300 : e == Elem::F32 || e == Elem::BF16 ? 1e-37 : 1e-6);
}
} // namespace

std::string compareBuffers(const RandomKernel &k, const std::vector<std::vector<uint8_t>> &want,
                           const std::vector<std::vector<uint8_t>> &got) {
  for (size_t b = 0; b < k.buffers.size(); ++b) {
    Elem e = k.buffers[b].elem;
    for (size_t i = 0; i < want[b].size() / (tbc::elemBits(e) / 8); ++i) {
      uint64_t w = elementAt(want[b], e, i), g = elementAt(got[b], e, i);
      if (w == g)
        continue;
      if (tbc::isFloat(e)) {
        double x = scalar::decodeFloat(e, w), y = scalar::decodeFloat(e, g);
        if ((x != x && y != y) || (!k.buffers[b].exact && std::fabs(x - y) <= allowed(e, x)))
          continue;
        char text[120];
        std::snprintf(text, sizeof text, "%.17g instead of %.17g (0x%llx, 0x%llx)", y, x,
                      static_cast<unsigned long long>(g), static_cast<unsigned long long>(w));
        return "buffer " + std::to_string(b) + " (" + std::string(tbc::elemName(e)) + "), element " +
               std::to_string(i) + ": " + text;
      }
      return "buffer " + std::to_string(b) + " (" + std::string(tbc::elemName(e)) + "), element " + std::to_string(i) +
             ": " + std::to_string(g) + " instead of " + std::to_string(w);
    }
  }
  return {};
}

} // namespace tessera::samples
