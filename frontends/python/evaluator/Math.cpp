// Math.cpp - the module `math`
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/evaluator/EvaluatorImpl.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tessera::py {

std::optional<double> toReal(Evaluator &ev, const HostValue &value) {
  HostValue v = unwrapped(value);
  if (auto d = v.toDouble()) {
    if (v.isInt() && std::isinf(*d))
      return ev.raise("OverflowError", "int too large to convert to float");
    return d;
  }
  return ev.raise("TypeError", "must be real number, not " + typeName(v));
}

namespace {
struct RealFunction {
  const char *name;
  double (*one)(double);
};
const RealFunction kOne[] = {{"sqrt", std::sqrt},
                             {"cbrt", std::cbrt},
                             {"exp", std::exp},
                             {"exp2", std::exp2},
                             {"expm1", std::expm1},
                             {"log1p", std::log1p},
                             {"sin", std::sin},
                             {"cos", std::cos},
                             {"tan", std::tan},
                             {"asin", std::asin},
                             {"acos", std::acos},
                             {"atan", std::atan},
                             {"sinh", std::sinh},
                             {"cosh", std::cosh},
                             {"tanh", std::tanh},
                             {"asinh", std::asinh},
                             {"acosh", std::acosh},
                             {"atanh", std::atanh},
                             {"fabs", std::fabs},
                             {"erf", std::erf},
                             {"erfc", std::erfc},
                             {"gamma", std::tgamma},
                             {"lgamma", std::lgamma},
                             {"degrees", [](double x) { return x * (180.0 / std::numbers::pi); }},
                             {"radians", [](double x) { return x * (std::numbers::pi / 180.0); }}};
struct RealFunction2 {
  const char *name;
  double (*two)(double, double);
};
const RealFunction2 kTwo[] = {
    {"atan2", std::atan2},       {"fmod", std::fmod},           {"pow", std::pow},
    {"copysign", std::copysign}, {"remainder", std::remainder}, {"nextafter", std::nextafter}};

MaybeValue checked(Evaluator &ev, double result, bool finiteInputs) {
  if (finiteInputs && std::isnan(result))
    return ev.raise("ValueError", "math domain error");
  if (finiteInputs && std::isinf(result))
    return ev.raise("OverflowError", "math range error");
  return HostValue::real(result);
}

bool count(Evaluator &ev, BuiltinObject &self, const Values &args, size_t low, size_t high) {
  if (args.size() >= low && args.size() <= high)
    return true;
  ev.raise("TypeError", "math." + self.name + "() got " + std::to_string(args.size()) + " arguments");
  return false;
}

MaybeValue callOne(Evaluator &ev, BuiltinObject &self, Values &args, HostKeywords &) {
  if (!count(ev, self, args, 1, 1))
    return std::nullopt;
  TSR_TRY(x, toReal(ev, args[0]));
  for (const RealFunction &f : kOne)
    if (self.name == f.name) {
      double r = f.one(*x);
      if (std::isfinite(*x) && std::isinf(r) && (self.name == "atanh" || self.name == "log1p" || self.name == "gamma"))
        return ev.raise("ValueError", "math domain error");
      return checked(ev, r, std::isfinite(*x));
    }
  return std::nullopt;
}

MaybeValue callTwo(Evaluator &ev, BuiltinObject &self, Values &args, HostKeywords &) {
  if (!count(ev, self, args, 2, 2))
    return std::nullopt;
  TSR_TRY(x, toReal(ev, args[0]));
  TSR_TRY(y, toReal(ev, args[1]));
  for (const RealFunction2 &f : kTwo)
    if (self.name == f.name)
      return checked(ev, f.two(*x, *y), std::isfinite(*x) && std::isfinite(*y));
  return std::nullopt;
}

// Natural logarithm of an int of any size.
double logOfInteger(const BigInt &b) {
  double d = b.toDouble();
  if (std::isfinite(d))
    return std::log(d);
  size_t drop = b.bitLength() - 64;
  return std::log(b.shiftRight(drop).toDouble()) + static_cast<double>(drop) * std::numbers::ln2;
}

MaybeValue callLog(Evaluator &ev, BuiltinObject &self, Values &args, HostKeywords &) {
  if (!count(ev, self, args, 1, self.name == "log" ? 2 : 1))
    return std::nullopt;
  double logs[2] = {0, 1};
  for (size_t i = 0; i < args.size(); ++i) {
    HostValue v = unwrapped(args[i]);
    if (v.isIntOrBool()) {
      if (v.bigInt().isZero() || v.bigInt().isNegative())
        return ev.raise("ValueError", "math domain error");
      if (v.toI64() && args.size() == 1) { // the exact functions where the number fits
        double d = *v.toDouble();
        return HostValue::real(self.name == "log2" ? std::log2(d) : self.name == "log10" ? std::log10(d) : std::log(d));
      }
      logs[i] = logOfInteger(v.bigInt());
      if (args.size() == 1 && self.name != "log") {
        size_t bits = v.bigInt().bitLength() - 1;
        if (self.name == "log2" && v.bigInt() == BigInt(1).shiftLeft(bits))
          return HostValue::real(static_cast<double>(bits));
        return HostValue::real(logs[i] / (self.name == "log2" ? std::numbers::ln2 : std::numbers::ln10));
      }
      continue;
    }
    TSR_TRY(x, toReal(ev, v));
    if (*x <= 0)
      return ev.raise("ValueError", "math domain error");
    if (args.size() == 1)
      return HostValue::real(self.name == "log2"    ? std::log2(*x)
                             : self.name == "log10" ? std::log10(*x)
                                                    : std::log(*x));
    logs[i] = std::log(*x);
  }
  if (args.size() == 2 && logs[1] == 0)
    return ev.raise("ZeroDivisionError", "float division by zero");
  return HostValue::real(logs[0] / logs[1]);
}

MaybeValue callRounding(Evaluator &ev, BuiltinObject &self, Values &args, HostKeywords &) {
  if (!count(ev, self, args, 1, 1))
    return std::nullopt;
  HostValue v = unwrapped(args[0]);
  if (v.isIntOrBool())
    return HostValue::integer(v.bigInt());
  TSR_TRY(x, toReal(ev, v));
  auto b = BigInt::fromDouble(self.name == "floor" ? std::floor(*x) : self.name == "ceil" ? std::ceil(*x) : *x);
  if (!b)
    return ev.raise(std::isnan(*x) ? "ValueError" : "OverflowError", std::isnan(*x)
                                                                         ? "cannot convert float NaN to integer"
                                                                         : "cannot convert float infinity to integer");
  return HostValue::integer(*b);
}

MaybeValue callTest(Evaluator &ev, BuiltinObject &self, Values &args, HostKeywords &keywords) {
  if (!count(ev, self, args, 1, self.name == "isclose" ? 2 : 1))
    return std::nullopt;
  TSR_TRY(x, toReal(ev, args[0]));
  if (self.name == "isclose") {
    if (!count(ev, self, args, 2, 2))
      return std::nullopt;
    TSR_TRY(y, toReal(ev, args[1]));
    double relative = 1e-9, absolute = 0;
    for (auto &[k, v] : keywords) {
      TSR_TRY(t, toReal(ev, v));
      (k == "rel_tol" ? relative : absolute) = *t;
    }
    return HostValue::boolean(
        *x == *y || (std::isfinite(*x) && std::isfinite(*y) &&
                     std::fabs(*x - *y) <= std::max(relative * std::max(std::fabs(*x), std::fabs(*y)), absolute)));
  }
  return HostValue::boolean(self.name == "isnan"   ? std::isnan(*x)
                            : self.name == "isinf" ? std::isinf(*x)
                                                   : std::isfinite(*x));
}

BigInt gcdOf(BigInt a, BigInt b) {
  while (!b.isZero()) {
    BigInt q, r;
    BigInt::floorDivMod(a, b, q, r);
    a = std::move(b);
    b = std::move(r);
  }
  return a.isNegative() ? -a : a;
}

MaybeValue callInteger(Evaluator &ev, BuiltinObject &self, Values &args, HostKeywords &) {
  const std::string &name = self.name;
  std::vector<BigInt> n;
  for (const HostValue &a : args) {
    HostValue v = unwrapped(a);
    if (!v.isIntOrBool())
      return ev.raise("TypeError", "'" + typeName(v) + "' object cannot be interpreted as an integer");
    n.push_back(v.bigInt());
  }
  if (name == "gcd" || name == "lcm") {
    BigInt total(name == "gcd" ? 0 : 1);
    for (const BigInt &x : n) {
      BigInt g = gcdOf(total, x);
      if (name == "gcd") {
        total = g;
      } else if (g.isZero() || x.isZero()) {
        total = BigInt(0);
      } else {
        BigInt q, r;
        BigInt::floorDivMod(total * x, g, q, r);
        total = q.isNegative() ? -q : q;
      }
    }
    return HostValue::integer(total);
  }
  if (!count(ev, self, args, name == "comb" ? 2 : 1, name == "comb" || name == "perm" ? 2 : 1))
    return std::nullopt;
  if (n[0].isNegative() || (n.size() > 1 && n[1].isNegative()))
    return ev.raise("ValueError", name + "() not defined for negative values");
  if (name == "isqrt") {
    if (n[0].isZero())
      return HostValue::integer(int64_t(0));
    BigInt x = BigInt(1).shiftLeft((n[0].bitLength() + 1) / 2), q, r; // Newton from above
    for (;;) {
      BigInt::floorDivMod(n[0], x, q, r);
      BigInt y = (x + q).shiftRight(1);
      if (y >= x)
        return HostValue::integer(x);
      x = y;
    }
  }
  auto top = n[0].toU64();
  if (!top || *top > 3000)
    return ev.raise("OverflowError", name + "() of this number is too large for compile time");
  uint64_t k = n.size() > 1 ? n[1].toU64().value_or(UINT64_MAX) : *top;
  if (k > *top)
    return HostValue::integer(int64_t(0));
  BigInt result(1), q, r;
  for (uint64_t i = 0; i < k; ++i)
    result = result * BigInt::fromU64(*top - i);
  if (name == "comb")
    for (uint64_t i = 2; i <= k; ++i) {
      BigInt::floorDivMod(result, BigInt::fromU64(i), q, r);
      result = q;
    }
  return HostValue::integer(result);
}

MaybeValue callOther(Evaluator &ev, BuiltinObject &self, Values &args, HostKeywords &keywords) {
  const std::string &name = self.name;
  if (name == "hypot") {
    double sum = 0;
    for (const HostValue &a : args) {
      TSR_TRY(x, toReal(ev, a));
      sum = std::hypot(sum, *x);
    }
    return HostValue::real(sum);
  }
  if (name == "prod" || name == "fsum") {
    if (!count(ev, self, args, 1, 1))
      return std::nullopt;
    TSR_TRY(list, ev.iterate(args[0]));
    if (name == "fsum") {
      long double sum = 0;
      for (const HostValue &v : *list) {
        TSR_TRY(x, toReal(ev, v));
        sum += *x;
      }
      return HostValue::real(static_cast<double>(sum));
    }
    HostValue product = HostValue::integer(int64_t(1));
    for (auto &[k, v] : keywords)
      if (k == "start")
        product = v;
    for (const HostValue &v : *list) {
      TSR_TRY(next, ev.binary(BinOpKind::Mult, product, v));
      product = *next;
    }
    return product;
  }
  if (!count(ev, self, args, name == "ldexp" ? 2 : 1, name == "ldexp" ? 2 : 1))
    return std::nullopt;
  TSR_TRY(x, toReal(ev, args[0]));
  if (name == "ldexp") {
    int64_t e = std::clamp<int64_t>(unwrapped(args[1]).toI64().value_or(0), -5000, 5000);
    return checked(ev, std::ldexp(*x, static_cast<int>(e)), std::isfinite(*x));
  }
  if (name == "frexp") {
    int e = 0;
    double m = std::frexp(*x, &e);
    return HostValue::tuple({HostValue::real(m), HostValue::integer(int64_t(e))});
  }
  if (name == "modf") {
    double whole = 0, part = std::modf(*x, &whole);
    return HostValue::tuple({HostValue::real(part), HostValue::real(whole)});
  }
  // ulp
  double a = std::fabs(*x);
  return HostValue::real(std::nextafter(a, INFINITY) - a);
}
} // namespace

void EvaluatorImpl::addMath() {
  auto add = [&](const char *name, decltype(BuiltinObject::call) f) {
    knownPaths[std::string("math.") + name] = makeBuiltin(name, f);
  };
  for (const RealFunction &f : kOne)
    add(f.name, callOne);
  for (const RealFunction2 &f : kTwo)
    add(f.name, callTwo);
  for (const char *n : {"log", "log2", "log10"})
    add(n, callLog);
  for (const char *n : {"floor", "ceil", "trunc"})
    add(n, callRounding);
  for (const char *n : {"isnan", "isinf", "isfinite", "isclose"})
    add(n, callTest);
  for (const char *n : {"gcd", "lcm", "isqrt", "factorial", "comb", "perm"})
    add(n, callInteger);
  for (const char *n : {"hypot", "prod", "fsum", "ldexp", "frexp", "modf", "ulp"})
    add(n, callOther);
  knownPaths["math.pi"] = HostValue::real(std::numbers::pi);
  knownPaths["math.e"] = HostValue::real(std::numbers::e);
  knownPaths["math.tau"] = HostValue::real(2 * std::numbers::pi);
  knownPaths["math.inf"] = HostValue::real(INFINITY);
  knownPaths["math.nan"] = HostValue::real(NAN);
}

} // namespace tessera::py
