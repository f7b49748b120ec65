// Arguments.cpp - argument packing
//
// SPDX-License-Identifier: Apache-2.0
#include "runtime/launch/Arguments.h"

#include <cmath>
#include <cstring>

namespace tessera::runtime {

// Rounds to an IEEE-like format of 1 sign bit, `exponentBits` and `mantissaBits` (16 bits in all), straight from double, so
// that nothing is rounded twice.
static uint16_t roundToSixteen(double value, int exponentBits, int mantissaBits) {
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  int bias = (1 << (exponentBits - 1)) - 1;
  uint16_t infinity = static_cast<uint16_t>(((1 << exponentBits) - 1) << mantissaBits);
  if (std::isnan(value))
    return sign | infinity | static_cast<uint16_t>(1 << (mantissaBits - 1));
  double magnitude = std::fabs(value);
  if (std::isinf(magnitude))
    return sign | infinity;
  if (magnitude == 0)
    return sign;
  int exponent;
  std::frexp(magnitude, &exponent); // magnitude = f * 2^exponent, f in [0.5, 1)
  int normal = exponent - 1;
  if (normal < 1 - bias)
    normal = 1 - bias; // subnormals have the step of the smallest normal number
  // In units of the last place; nearbyint rounds to even in the default mode.
  double units = std::nearbyint(std::ldexp(magnitude, mantissaBits - normal));
  auto mantissa = static_cast<uint64_t>(units);
  uint64_t bits =
      (static_cast<uint64_t>(normal + bias - 1) << mantissaBits) + mantissa; // the hidden bit adds the last one
  if (bits >= infinity)
    return sign | infinity;
  return sign | static_cast<uint16_t>(bits);
}

uint16_t floatToHalfBits(double value) { return roundToSixteen(value, 5, 10); }
uint16_t floatToBfloatBits(double value) { return roundToSixteen(value, 8, 7); }

static std::string place(const KernelInfo &k, size_t index) {
  return "argument " + std::to_string(index + 1) + " (`" + k.parameters[index].name + "`) of kernel `" + k.name + "`";
}

static bool packInteger(const ParameterInfo &p, const ArgumentValue &v, unsigned char *out) {
  bool isUnsigned = p.flags & TSR_ARG_UNSIGNED;
  uint64_t raw = v.u;
  if (v.kind == ArgumentValue::Int ? isUnsigned && v.i < 0 : !isUnsigned && v.u > INT64_MAX)
    return false;
  if (p.size < 8) {
    unsigned bits = 8 * p.size;
    if (isUnsigned) {
      if (raw >> bits)
        return false;
    } else {
      int64_t limit = int64_t(1) << (bits - 1);
      auto value = static_cast<int64_t>(raw);
      if (value < -limit || value >= limit)
        return false;
    }
  }
  std::memcpy(out + p.offset, &raw, p.size);
  return true;
}

static void packFloat(const ParameterInfo &p, double value, unsigned char *out) {
  if (p.size == 8) {
    std::memcpy(out + p.offset, &value, 8);
  } else if (p.size == 4) {
    auto narrow = static_cast<float>(value);
    std::memcpy(out + p.offset, &narrow, 4);
  } else {
    uint16_t bits = p.flags & TSR_ARG_BFLOAT ? floatToBfloatBits(value) : floatToHalfBits(value);
    std::memcpy(out + p.offset, &bits, 2);
  }
}

bool packArguments(const KernelInfo &kernel, const ArgumentValue *values, size_t n, unsigned char *out,
                   std::string &why) {
  if (n != kernel.parameters.size()) {
    why = "kernel `" + kernel.name + "` takes " + std::to_string(kernel.parameters.size()) + " arguments, " +
          std::to_string(n) + " were given";
    return false;
  }
  for (size_t i = 0; i < n; ++i) {
    const ParameterInfo &p = kernel.parameters[i];
    const ArgumentValue &v = values[i];
    switch (p.kind) {
    case TSR_ARG_POINTER:
      if (v.kind == ArgumentValue::Float) {
        why = place(kernel, i) + " is a pointer, and a float was given";
        return false;
      }
      std::memcpy(out + p.offset, &v.u, 8);
      break;
    case TSR_ARG_INT:
      if (v.kind == ArgumentValue::Float || v.kind == ArgumentValue::Address) {
        why = place(kernel, i) + " is an integer, and a " + (v.kind == ArgumentValue::Float ? "float" : "pointer") +
              " was given";
        return false;
      }
      if (!packInteger(p, v, out)) {
        why = place(kernel, i) + " is " + (v.kind == ArgumentValue::Int ? std::to_string(v.i) : std::to_string(v.u)) +
              ", which does not fit " + (p.flags & TSR_ARG_UNSIGNED ? "an unsigned" : "a signed") + " integer of " +
              std::to_string(8 * p.size) + " bits";
        return false;
      }
      break;
    default:
      if (v.kind == ArgumentValue::Address) {
        why = place(kernel, i) + " is a float, and a pointer was given";
        return false;
      }
      packFloat(p,
                v.kind == ArgumentValue::Float ? v.f
                : v.kind == ArgumentValue::Int ? static_cast<double>(v.i)
                                               : static_cast<double>(v.u),
                out);
    }
  }
  return true;
}

} // namespace tessera::runtime
