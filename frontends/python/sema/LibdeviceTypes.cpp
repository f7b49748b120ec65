// LibdeviceTypes.cpp - which argument types each function of triton.language.extra.libdevice is for
//
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/sema/Visitor.h"

#include <algorithm>
#include <iterator>

namespace tessera::py {

namespace {
using K = ScalarKind;

// Overloads by letters: argument types, then the result's. i, u, l, m: int32, uint32, int64, uint64; f, d: fp32, fp64.
// Sorted by name. `ctz` is ours.
struct LibdeviceRow {
  const char *name, *overloads;
};
constexpr LibdeviceRow kRows[] = {
    {"abs", "ii ll ff dd"},
    {"acos", "ff dd"},
    {"acosh", "ff dd"},
    {"add_rd", "fff ddd"},
    {"add_rn", "fff ddd"},
    {"add_ru", "fff ddd"},
    {"add_rz", "fff ddd"},
    {"asin", "ff dd"},
    {"asinh", "ff dd"},
    {"atan", "ff dd"},
    {"atan2", "fff ddd"},
    {"atanh", "ff dd"},
    {"brev", "ii ll"},
    {"byte_perm", "iiii"},
    {"cbrt", "ff dd"},
    {"ceil", "ff dd"},
    {"clz", "ii li"},
    {"copysign", "fff ddd"},
    {"cos", "ff dd"},
    {"cosh", "ff dd"},
    {"cospi", "ff dd"},
    {"ctz", "ii li"},
    {"cyl_bessel_i0", "ff dd"},
    {"cyl_bessel_i1", "ff dd"},
    {"div_rd", "fff ddd"},
    {"div_rn", "fff ddd"},
    {"div_ru", "fff ddd"},
    {"div_rz", "fff ddd"},
    {"double2float_rd", "df"},
    {"double2float_rn", "df"},
    {"double2float_ru", "df"},
    {"double2float_rz", "df"},
    {"double2hiint", "di"},
    {"double2int_rd", "di"},
    {"double2int_rn", "di"},
    {"double2int_ru", "di"},
    {"double2int_rz", "di"},
    {"double2ll_rd", "dl"},
    {"double2ll_rn", "dl"},
    {"double2ll_ru", "dl"},
    {"double2ll_rz", "dl"},
    {"double2loint", "di"},
    {"double2uint_rd", "di"},
    {"double2uint_rn", "di"},
    {"double2uint_ru", "di"},
    {"double2uint_rz", "di"},
    {"double2ull_rd", "dl"},
    {"double2ull_rn", "dl"},
    {"double2ull_ru", "dl"},
    {"double2ull_rz", "dl"},
    {"double_as_longlong", "dl"},
    {"erf", "ff dd"},
    {"erfc", "ff dd"},
    {"erfcinv", "ff dd"},
    {"erfcx", "ff dd"},
    {"erfinv", "ff dd"},
    {"exp", "ff dd"},
    {"exp10", "ff dd"},
    {"exp2", "ff dd"},
    {"expm1", "ff dd"},
    {"fast_cosf", "ff"},
    {"fast_dividef", "fff"},
    {"fast_exp10f", "ff"},
    {"fast_expf", "ff"},
    {"fast_log10f", "ff"},
    {"fast_log2f", "ff"},
    {"fast_logf", "ff"},
    {"fast_powf", "fff"},
    {"fast_sinf", "ff"},
    {"fast_tanf", "ff"},
    {"fast_tanhf", "ff"},
    {"fdim", "fff ddd"},
    {"ffs", "ii li"},
    {"finitef", "fi"},
    {"float2int_rd", "fi"},
    {"float2int_rn", "fi"},
    {"float2int_ru", "fi"},
    {"float2int_rz", "fi"},
    {"float2ll_rd", "fl"},
    {"float2ll_rn", "fl"},
    {"float2ll_ru", "fl"},
    {"float2ll_rz", "fl"},
    {"float2uint_rd", "fi"},
    {"float2uint_rn", "fi"},
    {"float2uint_ru", "fi"},
    {"float2uint_rz", "fi"},
    {"float2ull_rd", "fl"},
    {"float2ull_rn", "fl"},
    {"float2ull_ru", "fl"},
    {"float2ull_rz", "fl"},
    {"float_as_int", "fi"},
    {"float_as_uint", "fi"},
    {"floor", "ff dd"},
    {"fma", "ffff dddd"},
    {"fma_rd", "ffff dddd"},
    {"fma_rn", "ffff dddd"},
    {"fma_ru", "ffff dddd"},
    {"fma_rz", "ffff dddd"},
    {"fmod", "fff ddd"},
    {"hadd", "iii uuu"},
    {"hiloint2double", "iid"},
    {"hypot", "fff ddd"},
    {"ilogb", "fi di"},
    {"int2double_rn", "id"},
    {"int2float_rd", "if"},
    {"int2float_rn", "if"},
    {"int2float_ru", "if"},
    {"int2float_rz", "if"},
    {"int_as_float", "if"},
    {"isfinited", "di"},
    {"isinf", "fi di"},
    {"isnan", "fi di"},
    {"j0", "ff dd"},
    {"j1", "ff dd"},
    {"jn", "iff idd"},
    {"ldexp", "fif did"},
    {"lgamma", "ff dd"},
    {"ll2double_rd", "ld"},
    {"ll2double_rn", "ld"},
    {"ll2double_ru", "ld"},
    {"ll2double_rz", "ld"},
    {"ll2float_rd", "lf"},
    {"ll2float_rn", "lf"},
    {"ll2float_ru", "lf"},
    {"ll2float_rz", "lf"},
    {"llrint", "fl dl"},
    {"llround", "fl dl"},
    {"log", "ff dd"},
    {"log10", "ff dd"},
    {"log1p", "ff dd"},
    {"log2", "ff dd"},
    {"logb", "ff dd"},
    {"longlong_as_double", "ld"},
    {"mul24", "iii uuu"},
    {"mul_rd", "fff ddd"},
    {"mul_rn", "fff ddd"},
    {"mul_ru", "fff ddd"},
    {"mul_rz", "fff ddd"},
    {"mulhi", "iii uuu lll mmm"},
    {"nearbyint", "ff dd"},
    {"nextafter", "fff ddd"},
    {"norm3d", "ffff dddd"},
    {"norm4d", "fffff ddddd"},
    {"normcdf", "ff dd"},
    {"normcdfinv", "ff dd"},
    {"popc", "ii li"},
    {"pow", "fif fff did ddd"},
    {"rcbrt", "ff dd"},
    {"rcp64h", "dd"},
    {"rcp_rd", "ff dd"},
    {"rcp_rn", "ff dd"},
    {"rcp_ru", "ff dd"},
    {"rcp_rz", "ff dd"},
    {"remainder", "fff ddd"},
    {"rhadd", "iii uuu"},
    {"rhypot", "fff ddd"},
    {"rint", "ff dd"},
    {"rnorm3d", "ffff dddd"},
    {"rnorm4d", "fffff ddddd"},
    {"round", "ff dd"},
    {"rsqrt", "ff dd"},
    {"rsqrt_rn", "ff"},
    {"sad", "iiui uuuu"},
    {"saturatef", "ff"},
    {"scalbn", "fif did"},
    {"signbit", "fi di"},
    {"sin", "ff dd"},
    {"sinh", "ff dd"},
    {"sinpi", "ff dd"},
    {"sqrt", "ff dd"},
    {"sqrt_rd", "ff dd"},
    {"sqrt_rn", "ff dd"},
    {"sqrt_ru", "ff dd"},
    {"sqrt_rz", "ff dd"},
    {"sub_rd", "fff ddd"},
    {"sub_rn", "fff ddd"},
    {"sub_ru", "fff ddd"},
    {"sub_rz", "fff ddd"},
    {"tan", "ff dd"},
    {"tanh", "ff dd"},
    {"tgamma", "ff dd"},
    {"trunc", "ff dd"},
    {"uint2double_rn", "ud"},
    {"uint2float_rd", "uf"},
    {"uint2float_rn", "uf"},
    {"uint2float_ru", "uf"},
    {"uint2float_rz", "uf"},
    {"uint_as_float", "uf"},
    {"ull2double_rd", "md"},
    {"ull2double_rn", "md"},
    {"ull2double_ru", "md"},
    {"ull2double_rz", "md"},
    {"ull2float_rd", "mf"},
    {"ull2float_rn", "mf"},
    {"ull2float_ru", "mf"},
    {"ull2float_rz", "mf"},
    {"y0", "ff dd"},
    {"y1", "ff dd"},
    {"yn", "iff idd"},
};

DType typeOf(char letter) {
  switch (letter) {
  case 'i':
    return dtype(K::Int32);
  case 'u':
    return dtype(K::UInt32);
  case 'l':
    return dtype(K::Int64);
  case 'm':
    return dtype(K::UInt64);
  case 'f':
    return dtype(K::FP32);
  default:
    return dtype(K::FP64);
  }
}

// 0: exactly the type; 1: becomes it without loss of meaning (a Python number, an integer of the other signedness); 2: does not.
int distance(const Value &v, DType to) {
  if (v.isNumber())
    return v.host.isFloat() ? (to.is(K::FP32)   ? 1
                               : to.is(K::FP64) ? 2
                                                : 3)
           : to.isInt()     ? (to.is(K::Int32) ? 1 : 2)
           : to.is(K::FP32) ? 3
                            : 4;
  if (!v.isTensor())
    return 100;
  if (v.type.elem == to)
    return 0;
  return v.type.elem.isInt() && to.isInt() && v.type.elem.bits() == to.bits() ? 1 : 100;
}

std::string listOf(std::string_view letters) {
  std::string s;
  for (char c : letters)
    s += (s.empty() ? "(" : ", ") + typeOf(c).str();
  return s + ")";
}

// The letters of the parameters of an overload, one after the other; empty after the last.
std::string_view nextOverload(std::string_view &rest) {
  std::string_view one = rest.substr(0, std::min(rest.find(' '), rest.size()));
  rest.remove_prefix(std::min(one.size() + 1, rest.size()));
  return one.substr(0, one.empty() ? 0 : one.size() - 1);
}

// The overload that is nearest to the arguments; empty where none takes them.
std::string_view nearest(std::string_view overloads, const std::vector<Value> &args) {
  std::string_view best;
  int bestDistance = 100;
  while (!overloads.empty()) {
    std::string_view types = nextOverload(overloads);
    if (types.size() != args.size())
      continue;
    int total = 0;
    for (size_t i = 0; i < types.size(); ++i)
      total += distance(args[i], typeOf(types[i]));
    if (total < bestDistance) {
      bestDistance = total;
      best = types;
    }
  }
  return best;
}
} // namespace

void matchLibdeviceArguments(Emitter &e, std::string_view name, std::vector<Value> &args) {
  const LibdeviceRow *row = std::lower_bound(std::begin(kRows), std::end(kRows), name,
                                             [](const LibdeviceRow &r, std::string_view n) { return r.name < n; });
  if (row == std::end(kRows) || row->name != name)
    return; // a function of the library's own
  std::string_view best = nearest(row->overloads, args);
  bool values = std::all_of(args.begin(), args.end(), [](const Value &v) { return v.isTensor() || v.isNumber(); });
  if (best.empty() && values && args.size() > 1) {
    // No overload takes these types: the one that takes what they promote to, as operands of an operator would be.
    std::vector<Value> promoted = args;
    for (size_t i = 1; i < args.size(); ++i)
      std::tie(promoted[0], promoted[i]) = e.unify(promoted[0], args[i]);
    for (size_t i = 1; i < args.size(); ++i)
      promoted[i] = e.unify(promoted[0], promoted[i]).second;
    best = nearest(row->overloads, promoted);
    if (!best.empty())
      args = std::move(promoted);
  }
  if (best.empty()) {
    std::string given, known;
    for (const Value &v : args)
      given += (given.empty() ? "(" : ", ") + (v.isTensor() ? v.type.elem.str() : e.describeType(v));
    for (std::string_view rest = row->overloads; !rest.empty();)
      known += (known.empty() ? "" : ", ") + listOf(nextOverload(rest));
    e.failValue("libdevice." + std::string(name) + ": input arg type does not match. Expect one of " + known +
                    ", got " + given + ")",
                "convert the arguments first: x.to(tl.float32)");
  }
  for (size_t i = 0; i < args.size(); ++i) {
    DType want = typeOf(best[i]);
    args[i] = args[i].isNumber()          ? e.number(args[i], want)
              : args[i].type.elem == want ? args[i]
                                          : e.bitcast(args[i], want);
  }
  // One shape for all.
  for (size_t pass = 0; pass < 2 && args.size() > 1; ++pass)
    for (size_t i = 1; i < args.size(); ++i)
      if (args[0].type.shape != args[i].type.shape || args[0].isBlock() != args[i].isBlock())
        std::tie(args[0], args[i]) = e.broadcast(args[0], args[i]);
}

} // namespace tessera::py
