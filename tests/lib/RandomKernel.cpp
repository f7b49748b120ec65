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

std::string runReference(const RandomKernel &k, std::vector<std::vector<uint8_t>> &buffers,
                         std::vector<std::string> *printed, bool flushAtomicSums) {
  interp::MemoryMap memory;
  for (size_t i = 0; i < buffers.size(); ++i)
    memory.add(reinterpret_cast<uint64_t>(buffers[i].data()), buffers[i].size(), "buffer " + std::to_string(i));
  interp::Options options;
  options.checkMemory = true;
  options.memory = &memory;
  options.flushAtomicSums = flushAtomicSums;
  if (printed)
    options.print = [&](std::string_view line) { printed->emplace_back(line); };
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

// One unit in the last place at v, down to the smallest number.
double unitAt(Elem e, double v) {
  bool wide = e == Elem::F64;
  int digits = wide ? 52 : e == Elem::F32 ? 23 : static_cast<int>(scalar::floatFormat(e).mantissaBits);
  int lowest = wide ? -1022 : e == Elem::F32 || e == Elem::BF16 ? -126 : -14;
  int exponent = 0;
  std::frexp(v, &exponent);
  return std::ldexp(1.0, std::max(exponent - 1, lowest) - digits);
}

bool within(Elem e, double ulps, double want, double got) {
  return ulps > 0 && std::isfinite(want) && std::isfinite(got) && std::fabs(want - got) <= ulps * unitAt(e, want);
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
        if ((x != x && y != y) || within(e, k.buffers[b].ulps, x, y))
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
