// Builtins.cpp - Python's builtin functions, types and exceptions
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/evaluator/EvaluatorImpl.h"
#include "frontends/python/syntax/Literals.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace tessera::py {

namespace {
using BuiltinCall = MaybeValue(Evaluator &, BuiltinObject &, Values &, HostKeywords &);

bool takes(Evaluator &ev, BuiltinObject &self, const Values &args, size_t low, size_t high) {
  if (args.size() >= low && args.size() <= high)
    return true;
  ev.raise("TypeError",
           self.name + "() takes " +
               (low == high ? std::to_string(low) : "from " + std::to_string(low) + " to " + std::to_string(high)) +
               " arguments (" + std::to_string(args.size()) + " given)");
  return false;
}

MaybeValue keyword(HostKeywords &keywords, std::string_view name) {
  for (auto &[k, v] : keywords)
    if (k == name)
      return v;
  return std::nullopt;
}

MaybeValue callLen(Evaluator &ev, BuiltinObject &self, Values &args, HostKeywords &) {
  if (!takes(ev, self, args, 1, 1))
    return std::nullopt;
  HostValue v = unwrapped(args[0]);
  switch (v.kind()) {
  case HostKind::Str:
    return HostValue::integer(static_cast<int64_t>(codePointCount(v.str())));
  case HostKind::Tuple:
  case HostKind::List:
    return HostValue::integer(static_cast<int64_t>(v.elements().size()));
  case HostKind::Dict:
  case HostKind::Set:
    return HostValue::integer(static_cast<int64_t>(v.get<DictObject>()->entries.size()));
  case HostKind::Range:
    return HostValue::integer(v.get<RangeObject>()->size());
  case HostKind::Class: {
    TSR_TRY(list, ev.iterate(v));
    return HostValue::integer(static_cast<int64_t>(list->size()));
  }
  case HostKind::Foreign:
    if (LiveObject *live = liveObject(v))
      return live->apply(ev, LiveOp::Length, {v});
    break;
  case HostKind::Instance:
    if (v.get<InstanceObject>()->cls->find("__len__")) {
      TSR_TRY(method, ev.getAttribute(v, "__len__"));
      return ev.call(*method, {});
    }
    break;
  default:
    break;
  }
  return ev.raise("TypeError", "object of type '" + typeName(v) + "' has no len()");
}

// min and max
MaybeValue extreme(Evaluator &ev, BuiltinObject &self, Values &args, HostKeywords &keywords) {
  bool wantMax = self.name == "max";
  Values list = args;
  if (args.size() == 1) {
    TSR_TRY(items, ev.iterate(args[0]));
    list = *items;
  }
  if (list.empty()) {
    if (auto fallback = keyword(keywords, "default"))
      return fallback;
    return args.empty() ? ev.raise("TypeError", self.name + " expected at least 1 argument, got 0")
                        : ev.raise("ValueError", self.name + "() arg is an empty sequence");
  }
  auto key = keyword(keywords, "key");
  auto keyOf = [&](const HostValue &v) -> MaybeValue {
    return key && !key->isNone() ? ev.call(*key, {v}) : MaybeValue(v);
  };
  HostValue best = list[0];
  TSR_TRY(bestKey, keyOf(best));
  for (size_t i = 1; i < list.size(); ++i) {
    TSR_TRY(k, keyOf(list[i]));
    TSR_TRY(better, ev.compare(wantMax ? CmpOpKind::Gt : CmpOpKind::Lt, *k, *bestKey));
    if (*better) {
      best = list[i];
      bestKey = k;
    }
  }
  return unwrapped(best);
}

MaybeValue callSum(Evaluator &ev, BuiltinObject &self, Values &args, HostKeywords &keywords) {
  if (!takes(ev, self, args, 1, 2))
    return std::nullopt;
  TSR_TRY(list, ev.iterate(args[0]));
  HostValue total = args.size() > 1 ? args[1] : keyword(keywords, "start").value_or(HostValue::integer(int64_t(0)));
  for (const HostValue &v : *list) {
    TSR_TRY(next, ev.binary(BinOpKind::Add, total, v));
    total = *next;
  }
  return total;
}

MaybeValue callAny(Evaluator &ev, BuiltinObject &self, Values &args, HostKeywords &) {
  if (!takes(ev, self, args, 1, 1))
    return std::nullopt;
  bool isAny = self.name == "any";
  TSR_TRY(list, ev.iterate(args[0]));
  for (const HostValue &v : *list) {
    TSR_TRY(t, ev.truth(v));
    if (*t == isAny)
      return HostValue::boolean(isAny);
  }
  return HostValue::boolean(!isAny);
}

MaybeValue callAbs(Evaluator &ev, BuiltinObject &self, Values &args, HostKeywords &) {
  if (!takes(ev, self, args, 1, 1))
    return std::nullopt;
  HostValue v = unwrapped(args[0]);
  if (v.isIntOrBool())
    return HostValue::integer(v.bigInt().isNegative() ? -v.bigInt() : v.bigInt());
  if (v.isFloat())
    return HostValue::real(std::fabs(v.floatValue()));
  return ev.raise("TypeError", "bad operand type for abs(): '" + typeName(v) + "'");
}

MaybeValue callRound(Evaluator &ev, BuiltinObject &self, Values &args, HostKeywords &keywords) {
  if (auto n = keyword(keywords, "ndigits"))
    args.push_back(*n);
  if (!takes(ev, self, args, 1, 2))
    return std::nullopt;
  HostValue v = unwrapped(args[0]);
  bool hasDigits = args.size() == 2 && !unwrapped(args[1]).isNone();
  int64_t digits = hasDigits ? unwrapped(args[1]).toI64().value_or(0) : 0;
  if (v.isIntOrBool()) {
    if (digits >= 0)
      return HostValue::integer(v.bigInt());
    BigInt unit = BigInt(10).power(static_cast<uint64_t>(std::min<int64_t>(-digits, 4000))), q, r;
    BigInt::floorDivMod(v.bigInt(), unit, q, r);
    BigInt twice = r + r;
    if (twice > unit || (twice == unit && q.isOdd()))
      q = q + BigInt(1);
    return HostValue::integer(q * unit);
  }
  if (!v.isFloat())
    return ev.raise("TypeError", "type " + typeName(v) + " doesn't define __round__ method");
  double d = v.floatValue();
  if (!hasDigits) {
    auto b = BigInt::fromDouble(std::nearbyint(d));
    if (!b)
      return ev.raise(std::isnan(d) ? "ValueError" : "OverflowError", std::isnan(d)
                                                                          ? "cannot convert float NaN to integer"
                                                                          : "cannot convert float infinity to integer");
    return HostValue::integer(*b);
  }
  if (digits > 300 || !std::isfinite(d))
    return HostValue::real(d);
  if (digits < 0) {
    double unit = std::pow(10.0, static_cast<double>(std::min<int64_t>(-digits, 400)));
    return HostValue::real(std::nearbyint(d / unit) * unit);
  }
  TSR_TRY(text, ev.format(v, "." + std::to_string(digits) + "f")); // correctly rounded by way of the decimal text
  return HostValue::real(std::strtod(text->c_str(), nullptr));
}

MaybeValue callRange(Evaluator &ev, Values &args) {
  if (args.empty() || args.size() > 3)
    return ev.raise("TypeError", "range expected 1 to 3 arguments, got " + std::to_string(args.size()));
  int64_t n[3] = {0, 0, 1};
  for (size_t i = 0; i < args.size(); ++i) {
    HostValue v = unwrapped(args[i]);
    if (!v.isIntOrBool())
      return ev.raise("TypeError", "'" + typeName(v) + "' object cannot be interpreted as an integer");
    auto small = v.toI64();
    if (!small)
      return ev.raise("OverflowError", "the bound of this range is too large");
    n[args.size() == 1 ? 1 : i] = *small;
  }
  if (n[2] == 0)
    return ev.raise("ValueError", "range() arg 3 must not be zero");
  auto r = std::make_shared<RangeObject>();
  r->start = n[0];
  r->stop = n[1];
  r->step = n[2];
  return HostValue::object(HostKind::Range, r);
}

MaybeValue callSorted(Evaluator &ev, BuiltinObject &self, Values &args, HostKeywords &keywords) {
  if (!takes(ev, self, args, 1, 1))
    return std::nullopt;
  TSR_TRY(items, ev.iterate(args[0]));
  HostValue list = HostValue::list(*items);
  TSR_TRY(sort, ev.getAttribute(list, "sort"));
  TSR_TRY(ok, ev.call(*sort, {}, keywords));
  return list;
}

// enumerate, zip, map, filter, reversed: eager lists
MaybeValue callSequenceTool(Evaluator &ev, BuiltinObject &self, Values &args, HostKeywords &keywords) {
  Values out;
  const std::string &name = self.name;
  if (name == "map" || name == "filter") {
    if (!takes(ev, self, args, 2, name == "map" ? 8 : 2))
      return std::nullopt;
  } else if (name != "zip" && !takes(ev, self, args, 1, name == "enumerate" ? 2 : 1)) {
    return std::nullopt;
  }
  std::vector<Values> lists;
  for (size_t i = name == "map" || name == "filter" ? 1 : 0; i < (name == "enumerate" ? 1 : args.size()); ++i) {
    TSR_TRY(list, ev.iterate(args[i]));
    lists.push_back(*list);
  }
  size_t shortest = lists.empty() ? 0 : lists[0].size(), longest = shortest;
  for (auto &l : lists) {
    shortest = std::min(shortest, l.size());
    longest = std::max(longest, l.size());
  }
  if (auto strict = name == "zip" ? keyword(keywords, "strict") : std::nullopt) {
    TSR_TRY(t, ev.truth(*strict));
    if (*t && shortest != longest)
      return ev.raise("ValueError", "zip() arguments have different lengths");
  }
  int64_t start = 0;
  if (name == "enumerate")
    start = unwrapped(args.size() > 1 ? args[1] : keyword(keywords, "start").value_or(HostValue::integer(int64_t(0))))
                .toI64()
                .value_or(0);
  for (size_t i = 0; i < shortest; ++i) {
    if (name == "enumerate") {
      out.push_back(HostValue::tuple({HostValue::integer(start + static_cast<int64_t>(i)), lists[0][i]}));
    } else if (name == "reversed") {
      out.push_back(lists[0][shortest - 1 - i]);
    } else if (name == "zip") {
      Values row;
      for (auto &l : lists)
        row.push_back(l[i]);
      out.push_back(HostValue::tuple(std::move(row)));
    } else if (name == "map") {
      Values row;
      for (auto &l : lists)
        row.push_back(l[i]);
      TSR_TRY(v, ev.call(args[0], std::move(row)));
      out.push_back(*v);
    } else {
      TSR_TRY(v, args[0].isNone() ? MaybeValue(lists[0][i]) : ev.call(args[0], {lists[0][i]}));
      TSR_TRY(t, ev.truth(*v));
      if (*t)
        out.push_back(lists[0][i]);
    }
  }
  return HostValue::list(std::move(out));
}

MaybeValue callAttribute(Evaluator &ev, BuiltinObject &self, Values &args, HostKeywords &) {
  bool isHas = self.name == "hasattr";
  if (!takes(ev, self, args, 2, isHas ? 2 : 3))
    return std::nullopt;
  HostValue name = unwrapped(args[1]);
  if (!name.isStr())
    return ev.raise("TypeError", self.name + "(): attribute name must be string");
  auto v = ev.getAttribute(args[0], name.str());
  if (v && v->kind() == HostKind::Opaque && args[0].kind() == HostKind::Opaque && isHas)
    return HostValue::boolean(false); // nothing is known of it
  if (!v && (isHas || args.size() == 3)) {
    EvalError e = ev.takeError();
    if (e.type == "AttributeError")
      return isHas ? HostValue::boolean(false) : args[2];
    return ev.raise(e.type, e.message);
  }
  return isHas ? HostValue::boolean(true) : v;
}

MaybeValue callPower(Evaluator &ev, BuiltinObject &self, Values &args, HostKeywords &) {
  if (!takes(ev, self, args, 2, 3))
    return std::nullopt;
  if (args.size() == 2)
    return ev.binary(BinOpKind::Pow, args[0], args[1]);
  HostValue a = unwrapped(args[0]), e = unwrapped(args[1]), m = unwrapped(args[2]);
  if (!a.isIntOrBool() || !e.isIntOrBool() || !m.isIntOrBool() || e.bigInt().isNegative())
    return ev.raise("TypeError", "pow() with three arguments needs integers, the second not negative");
  if (m.bigInt().isZero())
    return ev.raise("ValueError", "pow() 3rd argument cannot be 0");
  BigInt result(1), square = a.bigInt(), modulus = m.bigInt(), exponent = e.bigInt(), q;
  BigInt::floorDivMod(result, modulus, q, result);
  for (; !exponent.isZero(); exponent = exponent.shiftRight(1)) {
    if (exponent.isOdd())
      BigInt::floorDivMod(result * square, modulus, q, result);
    BigInt::floorDivMod(square * square, modulus, q, square);
  }
  return HostValue::integer(result);
}

MaybeValue callSimple(Evaluator &ev, BuiltinObject &self, Values &args, HostKeywords &keywords) {
  const std::string &name = self.name;
  if (name == "print") {
    std::string text, separator = " ", end = "\n";
    if (auto s = keyword(keywords, "sep"); s && s->isStr())
      separator = s->str();
    if (auto s = keyword(keywords, "end"); s && s->isStr())
      end = s->str();
    for (size_t i = 0; i < args.size(); ++i) {
      TSR_TRY(one, ev.format(args[i], ""));
      text += (i ? separator : "") + *one;
    }
    ev.host().print(text + end);
    return HostValue();
  }
  if (name == "divmod" || name == "isinstance" || name == "issubclass") {
    if (!takes(ev, self, args, 2, 2))
      return std::nullopt;
    if (name == "divmod") {
      TSR_TRY(q, ev.binary(BinOpKind::FloorDiv, args[0], args[1]));
      TSR_TRY(r, ev.binary(BinOpKind::Mod, args[0], args[1]));
      return HostValue::tuple({*q, *r});
    }
    if (name == "isinstance") {
      TSR_TRY(r, ev.isInstance(args[0], args[1]));
      return HostValue::boolean(*r);
    }
    if (args[0].kind() != HostKind::Class || args[1].kind() != HostKind::Class)
      return ev.raise("TypeError", "issubclass() needs classes");
    const ClassObject *c = args[0].get<ClassObject>();
    for (std::vector<const ClassObject *> todo{c}; !todo.empty();) {
      c = todo.back();
      todo.pop_back();
      if (c == args[1].get<ClassObject>())
        return HostValue::boolean(true);
      for (const HostValue &b : c->bases)
        if (b.kind() == HostKind::Class)
          todo.push_back(b.get<ClassObject>());
    }
    return HostValue::boolean(false);
  }
  if (name == "format") {
    if (!takes(ev, self, args, 1, 2))
      return std::nullopt;
    TSR_TRY(text, ev.format(args[0], args.size() == 2 && args[1].isStr() ? args[1].str() : ""));
    return HostValue::string(*text);
  }
  if (!takes(ev, self, args, 1, 1))
    return std::nullopt;
  HostValue v = unwrapped(args[0]);
  if (name == "callable")
    return HostValue::boolean(v.kind() == HostKind::Function || v.kind() == HostKind::Builtin ||
                              v.kind() == HostKind::BoundMethod || v.kind() == HostKind::Class ||
                              (v.isForeign() && v.get<ForeignObject>()->isCallable()));
  if (name == "hash") {
    TSR_TRY(h, ev.hash(v));
    return HostValue::integer(static_cast<int64_t>(*h >> 2));
  }
  if (name == "id")
    return HostValue::integer(static_cast<int64_t>(reinterpret_cast<intptr_t>(v.shared().get())));
  if (name == "repr" || name == "ascii") {
    TSR_TRY(text, ev.text(v, true));
    return HostValue::string(*text);
  }
  if (name == "ord") {
    if (!v.isStr() || codePointCount(v.str()) != 1)
      return ev.raise("TypeError", "ord() expected a character");
    size_t i = 0;
    return HostValue::integer(static_cast<int64_t>(readUtf8(v.str(), i)));
  }
  if (!v.isIntOrBool())
    return ev.raise("TypeError", "'" + typeName(v) + "' object cannot be interpreted as an integer");
  if (name == "chr") {
    TSR_TRY(text, ev.format(v, "c"));
    return HostValue::string(*text);
  }
  TSR_TRY(text, ev.format(HostValue::integer(v.bigInt()), name == "bin" ? "#b" : name == "oct" ? "#o" : "#x"));
  return HostValue::string(*text);
}

MaybeValue callKnown(Evaluator &ev, BuiltinObject &self, Values &args, HostKeywords &keywords) {
  const std::string &name = self.name;
  if (name == "auto") {
    auto o = std::make_shared<OpaqueObject>();
    o->path = "enum.auto()";
    return HostValue::object(HostKind::Opaque, std::move(o));
  }
  if (name == "field") {
    auto cls = std::make_shared<ClassObject>();
    cls->name = "Field";
    auto f = std::make_shared<InstanceObject>();
    f->cls = cls;
    for (auto &[k, v] : keywords)
      f->fields.emplace_back(k, v);
    return HostValue::object(HostKind::Instance, f);
  }
  if (name == "namedtuple") {
    if (!takes(ev, self, args, 2, 2) || !args[0].isStr())
      return ev.raise("TypeError", "namedtuple() needs a name and field names");
    auto cls = std::make_shared<ClassObject>();
    cls->name = args[0].str();
    cls->flavour = ClassFlavour::NamedTuple;
    if (args[1].isStr()) {
      std::string word;
      for (char c : args[1].str() + " ") {
        if (c != ' ' && c != ',') {
          word += c;
        } else if (!word.empty()) {
          cls->fields.push_back(word);
          word.clear();
        }
      }
    } else {
      TSR_TRY(list, ev.iterate(args[1]));
      for (const HostValue &v : *list)
        cls->fields.push_back(str(v));
    }
    return HostValue::object(HostKind::Class, cls);
  }
  if (name == "getenv") // the environment is no part of a compile: always the default
    return args.size() > 1 ? args[1] : keyword(keywords, "default").value_or(HostValue());
  if (name == "constexpr") {
    if (!takes(ev, self, args, 1, 1))
      return std::nullopt;
    return args[0];
  }
  if (name == "version") { // "3.6.0+local" -> (3, 6, 0): enough for the comparisons that programs make
    if (!takes(ev, self, args, 1, 1) || !args[0].isStr())
      return ev.raise("TypeError", "a version is a string");
    Values parts;
    int64_t number = -1;
    for (char c : args[0].str() + ".") {
      if (c >= '0' && c <= '9') {
        number = std::min<int64_t>(std::max<int64_t>(number, 0) * 10 + (c - '0'), 1'000'000'000);
        continue;
      }
      if (number >= 0)
        parts.push_back(HostValue::integer(number));
      if (c != '.' || number < 0)
        break;
      number = -1;
    }
    return HostValue::tuple(std::move(parts));
  }
  if (name == "reduce") {
    if (!takes(ev, self, args, 2, 3))
      return std::nullopt;
    TSR_TRY(list, ev.iterate(args[1]));
    MaybeValue total = args.size() == 3 ? MaybeValue(args[2]) : std::nullopt;
    for (const HostValue &v : *list) {
      total = total ? ev.call(args[0], {*total, v}) : MaybeValue(v);
      if (!total)
        return total;
    }
    return total ? total : ev.raise("TypeError", "reduce() of empty iterable with no initial value");
  }
  if (name == "cdiv") {
    if (!takes(ev, self, args, 2, 2))
      return std::nullopt;
    TSR_TRY(sum, ev.binary(BinOpKind::Add, args[0], args[1]));
    TSR_TRY(less, ev.binary(BinOpKind::Sub, *sum, HostValue::integer(int64_t(1))));
    return ev.binary(BinOpKind::FloorDiv, *less, args[1]);
  }
  // next_power_of_2
  if (!takes(ev, self, args, 1, 1))
    return std::nullopt;
  HostValue v = unwrapped(args[0]);
  if (!v.isIntOrBool())
    return ev.raise("TypeError", "next_power_of_2() needs an integer, not " + typeName(v));
  BigInt n = v.bigInt();
  if (n.isZero() || n.isNegative())
    return HostValue::integer(int64_t(0));
  return HostValue::integer(BigInt(1).shiftLeft((n - BigInt(1)).bitLength()));
}

// Python's int("…"): underscores, a sign, spaces around.
MaybeValue parseInteger(Evaluator &ev, const std::string &text, int64_t base) {
  std::string s;
  size_t first = text.find_first_not_of(" \t\n\r"), last = text.find_last_not_of(" \t\n\r");
  if (first != std::string::npos)
    s = text.substr(first, last - first + 1);
  bool negative = !s.empty() && s[0] == '-';
  if (!s.empty() && (s[0] == '-' || s[0] == '+'))
    s.erase(0, 1);
  char x = s.size() > 2 && s[0] == '0' ? static_cast<char>(s[1] | 0x20) : 0;
  int64_t prefixBase = x == 'x' ? 16 : x == 'o' ? 8 : x == 'b' ? 2 : 0;
  if (prefixBase && (base == 0 || base == prefixBase)) {
    base = prefixBase;
    s.erase(0, 2);
  } else if (base == 0) {
    base = 10;
  }
  std::string digits;
  bool ok = !s.empty() && s.front() != '_' && s.back() != '_' && s.size() < 5000;
  for (char c : s)
    if (c != '_')
      digits += c;
  auto v = ok ? BigInt::parse(digits, static_cast<unsigned>(base)) : std::nullopt;
  if (!v)
    return ev.raise("ValueError",
                    "invalid literal for int() with base " + std::to_string(base) + ": " + stringRepr(text));
  return HostValue::integer(negative ? -*v : *v);
}

MaybeValue parseFloat(Evaluator &ev, const std::string &text) {
  std::string s;
  for (char c : text)
    if (c != '_')
      s += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  size_t first = s.find_first_not_of(" \t\n\r"), last = s.find_last_not_of(" \t\n\r");
  s = first == std::string::npos ? "" : s.substr(first, last - first + 1);
  double v = 0;
  const char *begin = s.c_str();
  if (*begin == '+')
    ++begin;
  auto r = std::from_chars(begin, s.c_str() + s.size(), v);
  bool hex = s.find('x') != std::string::npos || s.find('(') != std::string::npos;
  if (r.ec == std::errc::result_out_of_range)
    v = std::strtod(begin, nullptr);
  else if (r.ec != std::errc() || r.ptr != s.c_str() + s.size() || hex || (begin > s.c_str() && *begin == '-'))
    return ev.raise("ValueError", "could not convert string to float: " + stringRepr(text));
  return HostValue::real(v);
}
} // namespace

// Calls of int, float, str, list, …
MaybeValue EvaluatorImpl::builtinTypeCall(std::string_view name, Values &args, HostKeywords &keywords) {
  HostValue v = args.empty() ? HostValue() : unwrapped(args[0]);
  if (v.kind() == HostKind::Instance && v.get<InstanceObject>()->cls->isIntEnum && name != "str")
    v = HostValue(*v.get<InstanceObject>()->find("value"));
  if (name == "range")
    return callRange(ev, args);
  if (name == "int") {
    if (args.empty())
      return HostValue::integer(int64_t(0));
    if (v.isIntOrBool())
      return HostValue::integer(v.bigInt());
    if (v.isFloat()) {
      auto b = BigInt::fromDouble(v.floatValue());
      if (!b)
        return ev.raise(std::isnan(v.floatValue()) ? "ValueError" : "OverflowError",
                        std::isnan(v.floatValue()) ? "cannot convert float NaN to integer"
                                                   : "cannot convert float infinity to integer");
      return HostValue::integer(*b);
    }
    if (v.isStr()) {
      MaybeValue base = args.size() > 1 ? MaybeValue(args[1]) : keyword(keywords, "base");
      int64_t n = base ? base->toI64().value_or(10) : 10;
      if (n < 0 || n == 1 || n > 36)
        return ev.raise("ValueError", "int() base must be >= 2 and <= 36, or 0");
      return parseInteger(ev, v.str(), n);
    }
    for (std::string_view m : {"__int__", "__index__"})
      if (lookupMethod(v, m))
        return callMethod(v, m, {});
    return ev.raise("TypeError", "int() argument must be a string or a real number, not '" + typeName(v) + "'");
  }
  if (name == "float") {
    if (args.empty())
      return HostValue::real(0);
    if (v.isStr())
      return parseFloat(ev, v.str());
    if (auto d = v.toDouble())
      return HostValue::real(*d);
    if (lookupMethod(v, "__float__"))
      return callMethod(v, "__float__", {});
    return ev.raise("TypeError", "float() argument must be a string or a real number, not '" + typeName(v) + "'");
  }
  if (name == "bool") {
    TSR_TRY(t, args.empty() ? std::optional<bool>(false) : ev.truth(v));
    return HostValue::boolean(*t);
  }
  if (name == "str") {
    TSR_TRY(text, args.empty() ? std::optional<std::string>("") : textOf(args[0], false));
    return HostValue::string(*text);
  }
  if (name == "type") {
    if (args.size() != 1)
      return unsupported("type() with three arguments is not supported at compile time");
    if (v.kind() == HostKind::Instance)
      return HostValue::object(HostKind::Class, v.get<InstanceObject>()->cls);
    if (v.isTuple() && v.get<SequenceObject>()->cls.kind() == HostKind::Class)
      return v.get<SequenceObject>()->cls;
    if (auto t = ev.builtin(typeName(v)))
      return t;
    auto cls = std::make_shared<ClassObject>();
    cls->name = typeName(v);
    cls->flavour = ClassFlavour::Builtin;
    return builtins[cls->name] = HostValue::object(HostKind::Class, cls);
  }
  if (name == "object")
    return ev.raise("TypeError", "plain objects are not supported at compile time");
  if (name == "slice") {
    auto s = std::make_shared<SliceObject>();
    if (args.size() == 1)
      s->upper = args[0];
    for (size_t i = 0; args.size() > 1 && i < args.size() && i < 3; ++i)
      (i == 0 ? s->lower : i == 1 ? s->upper : s->step) = args[i];
    return HostValue::object(HostKind::Slice, s);
  }
  Values list;
  if (!args.empty() && !(name == "dict" && v.kind() == HostKind::Dict)) {
    TSR_TRY(items, ev.iterate(v));
    list = *items;
  }
  if (name == "list")
    return HostValue::list(std::move(list));
  if (name == "tuple")
    return HostValue::tuple(std::move(list));
  if (name == "set" || name == "frozenset") {
    HostValue s = makeSet();
    for (const HostValue &x : list)
      if (!DictAccess{ev, *s.get<DictObject>()}.set(x, {}))
        return std::nullopt;
    return s;
  }
  // dict
  HostValue d = makeDict();
  DictAccess access{ev, *d.get<DictObject>()};
  if (v.kind() == HostKind::Dict)
    for (auto &[k, value] : v.get<DictObject>()->entries)
      if (!access.set(k, value))
        return std::nullopt;
  for (const HostValue &pair : list) {
    TSR_TRY(two, ev.iterate(pair));
    if (two->size() != 2)
      return ev.raise("ValueError", "dict() needs pairs");
    if (!access.set((*two)[0], (*two)[1]))
      return std::nullopt;
  }
  for (auto &[k, value] : keywords)
    if (!access.set(HostValue::string(k), value))
      return std::nullopt;
  return d;
}

void EvaluatorImpl::addBuiltins() {
  auto add = [&](const char *name, BuiltinCall *f) { builtins[name] = makeBuiltin(name, f); };
  add("len", callLen);
  add("min", extreme);
  add("max", extreme);
  add("sum", callSum);
  add("any", callAny);
  add("all", callAny);
  add("abs", callAbs);
  add("round", callRound);
  add("sorted", callSorted);
  add("pow", callPower);
  for (const char *n : {"enumerate", "zip", "map", "filter", "reversed"})
    add(n, callSequenceTool);
  for (const char *n : {"getattr", "hasattr"})
    add(n, callAttribute);
  for (const char *n : {"print", "divmod", "isinstance", "issubclass", "format", "callable", "hash", "id", "repr",
                        "ascii", "ord", "chr", "bin", "oct", "hex"})
    add(n, callSimple);
  for (const char *n : {"int", "float", "bool", "str", "list", "tuple", "dict", "set", "frozenset", "range", "type",
                        "object", "slice"}) {
    auto cls = std::make_shared<ClassObject>();
    cls->name = n;
    cls->flavour = ClassFlavour::Builtin;
    builtins[n] = HostValue::object(HostKind::Class, cls);
  }
  builtins["NotImplemented"] = HostValue::notImplemented();
  builtins["Ellipsis"] = HostValue::ellipsis();
  builtins["__debug__"] = HostValue::boolean(true);
  auto known = [&](const char *path, const char *name) { knownPaths[path] = makeBuiltin(name, callKnown); };
  known("enum.auto", "auto");
  known("dataclasses.field", "field");
  known("collections.namedtuple", "namedtuple");
  known("os.getenv", "getenv");
  known("os.environ.get", "getenv");
  known("functools.reduce", "reduce");
  known("packaging.version.parse", "version");
  known("packaging.version.Version", "version");
  known("triton.cdiv", "cdiv");
  known("triton.next_power_of_2", "next_power_of_2");
  known("triton.language.constexpr", "constexpr");
  known("triton.language.core.constexpr", "constexpr");
  knownPaths["typing.TYPE_CHECKING"] = HostValue::boolean(false);
  knownPaths["collections.OrderedDict"] = builtins["dict"];
  knownPaths["triton.__version__"] = HostValue::string("3.6.0");
  knownPaths["sys.version_info"] = HostValue::tuple(
      {HostValue::integer(int64_t(3)), HostValue::integer(int64_t(12)), HostValue::integer(int64_t(0))});
}

void EvaluatorImpl::addExceptions() {
  static constexpr std::pair<const char *, const char *> tree[] = {{"BaseException", ""},
                                                                   {"Exception", "BaseException"},
                                                                   {"ArithmeticError", "Exception"},
                                                                   {"LookupError", "Exception"},
                                                                   {"ValueError", "Exception"},
                                                                   {"TypeError", "Exception"},
                                                                   {"NameError", "Exception"},
                                                                   {"AttributeError", "Exception"},
                                                                   {"RuntimeError", "Exception"},
                                                                   {"AssertionError", "Exception"},
                                                                   {"ImportError", "Exception"},
                                                                   {"SyntaxError", "Exception"},
                                                                   {"StopIteration", "Exception"},
                                                                   {"OSError", "Exception"},
                                                                   {"Warning", "Exception"},
                                                                   {"UserWarning", "Warning"},
                                                                   {"DeprecationWarning", "Warning"},
                                                                   {"KeyError", "LookupError"},
                                                                   {"IndexError", "LookupError"},
                                                                   {"ZeroDivisionError", "ArithmeticError"},
                                                                   {"OverflowError", "ArithmeticError"},
                                                                   {"NotImplementedError", "RuntimeError"},
                                                                   {"RecursionError", "RuntimeError"},
                                                                   {"ModuleNotFoundError", "ImportError"},
                                                                   {"UnicodeError", "ValueError"}};
  for (auto &[name, parent] : tree) {
    auto cls = std::make_shared<ClassObject>();
    cls->name = name;
    cls->flavour = ClassFlavour::Exception;
    if (*parent)
      cls->bases.push_back(builtins[parent]);
    builtins[name] = HostValue::object(HostKind::Class, cls);
  }
}

} // namespace tessera::py
