// Methods.cpp - methods of str, list, tuple, dict, set, int, float
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/evaluator/EvaluatorImpl.h"

#include <algorithm>
#include <cmath>

namespace tessera::py {

namespace {
constexpr std::string_view kStr[] = {
    "join",      "split",      "rsplit",       "strip",        "lstrip",     "rstrip",  "upper",   "lower",
    "replace",   "startswith", "endswith",     "find",         "rfind",      "index",   "count",   "format",
    "isdigit",   "isalpha",    "isalnum",      "isidentifier", "isupper",    "islower", "isspace", "isdecimal",
    "isnumeric", "title",      "capitalize",   "casefold",     "zfill",      "ljust",   "rjust",   "center",
    "partition", "rpartition", "removeprefix", "removesuffix", "splitlines", "swapcase"};
constexpr std::string_view kList[] = {"append", "extend", "insert",  "pop",  "remove", "index",
                                      "count",  "sort",   "reverse", "copy", "clear"};
constexpr std::string_view kTuple[] = {"index", "count", "_asdict", "_replace"};
constexpr std::string_view kDict[] = {"get", "keys", "values", "items", "pop", "update", "setdefault", "copy", "clear"};
constexpr std::string_view kSet[] = {
    "add",      "discard",    "remove",     "union", "intersection", "difference", "symmetric_difference",
    "issubset", "issuperset", "isdisjoint", "copy",  "clear",        "update",     "pop"};
constexpr std::string_view kInt[] = {"bit_length", "bit_count", "is_integer", "conjugate", "__index__", "__int__"};
constexpr std::string_view kFloat[] = {"is_integer", "conjugate", "as_integer_ratio"};

std::span<const std::string_view> methodsOf(const HostValue &v) {
  switch (v.kind()) {
  case HostKind::Str:
    return kStr;
  case HostKind::List:
    return kList;
  case HostKind::Tuple:
    return kTuple;
  case HostKind::Dict:
    return kDict;
  case HostKind::Set:
    return kSet;
  case HostKind::Int:
  case HostKind::Bool:
    return kInt;
  case HostKind::Float:
    return kFloat;
  default:
    return {};
  }
}

bool isSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool isAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<signed char>(c) < 0; }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

struct MethodCall {
  Evaluator &ev;
  const std::string &name;
  HostValue self;
  Values &args;
  HostKeywords &keywords;

  bool takes(size_t low, size_t high) const {
    if (args.size() >= low && args.size() <= high)
      return true;
    ev.raise("TypeError", name + "() takes " + std::to_string(low) +
                              (low == high ? "" : " to " + std::to_string(high)) + " arguments (" +
                              std::to_string(args.size()) + " given)");
    return false;
  }
  // Argument i as text; null and an error where it is something else.
  std::optional<std::string> text(size_t i) const {
    HostValue v = unwrapped(args[i]);
    if (v.isStr())
      return v.str();
    return ev.raise("TypeError", name + "() argument must be str, not " + typeName(v));
  }
  int64_t number(size_t i, int64_t fallback) const {
    return i < args.size() ? unwrapped(args[i]).toI64().value_or(fallback) : fallback;
  }

  MaybeValue onStr();
  MaybeValue strip(const std::string &s);
  MaybeValue split(const std::string &s);
  MaybeValue find(const std::string &s);
  MaybeValue predicate(const std::string &s);
  MaybeValue changeCase(const std::string &s);
  MaybeValue onList();
  MaybeValue sort();
  MaybeValue onTuple();
  MaybeValue onDict();
  MaybeValue onSet();
  MaybeValue onNumber();
  MaybeValue position(const Values &list);
};

MaybeValue MethodCall::strip(const std::string &s) {
  std::string drop = " \t\n\r\f\v";
  if (!args.empty() && !args[0].isNone()) {
    TSR_TRY(t, text(0));
    drop = *t;
  }
  size_t first = 0, last = s.size();
  while (name != "rstrip" && first < last && drop.find(s[first]) != std::string::npos)
    ++first;
  while (name != "lstrip" && last > first && drop.find(s[last - 1]) != std::string::npos)
    --last;
  return HostValue::string(s.substr(first, last - first));
}

MaybeValue MethodCall::split(const std::string &s) {
  int64_t limit = number(1, -1);
  for (auto &[k, v] : keywords)
    if (k == "maxsplit")
      limit = v.toI64().value_or(-1);
    else if (k == "sep")
      args.insert(args.begin(), v);
  std::vector<std::string> parts;
  bool fromRight = name == "rsplit";
  if (name == "splitlines") {
    std::string line;
    for (size_t i = 0; i < s.size(); ++i) {
      if (s[i] == '\n' || s[i] == '\r') {
        i += s[i] == '\r' && i + 1 < s.size() && s[i + 1] == '\n';
        parts.push_back(line);
        line.clear();
      } else {
        line += s[i];
      }
    }
    if (!line.empty())
      parts.push_back(line);
  } else if (args.empty() || args[0].isNone()) {
    for (size_t i = 0; i < s.size();) {
      while (i < s.size() && isSpace(s[i]))
        ++i;
      size_t from = i;
      bool rest = !fromRight && limit >= 0 && parts.size() == static_cast<size_t>(limit);
      while (i < s.size() && (rest || !isSpace(s[i])))
        ++i;
      if (rest)
        while (i > from && isSpace(s[i - 1]))
          --i;
      if (i > from)
        parts.push_back(s.substr(from, i - from));
      if (rest)
        break;
    }
  } else {
    TSR_TRY(separator, text(0));
    if (separator->empty())
      return ev.raise("ValueError", "empty separator");
    if (fromRight) {
      size_t end = s.size();
      while (limit < 0 || static_cast<int64_t>(parts.size()) < limit) {
        size_t at = end < separator->size() ? std::string::npos : s.rfind(*separator, end - separator->size());
        if (at == std::string::npos)
          break;
        parts.insert(parts.begin(), s.substr(at + separator->size(), end - at - separator->size()));
        end = at;
      }
      parts.insert(parts.begin(), s.substr(0, end));
    } else {
      size_t from = 0;
      for (size_t at; (limit < 0 || static_cast<int64_t>(parts.size()) < limit) &&
                      (at = s.find(*separator, from)) != std::string::npos;
           from = at + separator->size())
        parts.push_back(s.substr(from, at - from));
      parts.push_back(s.substr(from));
    }
  }
  Values out;
  for (std::string &p : parts)
    out.push_back(HostValue::string(std::move(p)));
  return HostValue::list(std::move(out));
}

MaybeValue MethodCall::find(const std::string &s) {
  if (!takes(1, 3))
    return std::nullopt;
  if (name == "startswith" || name == "endswith") {
    Values options = unwrapped(args[0]).isTuple() ? unwrapped(args[0]).elements() : Values{args[0]};
    for (const HostValue &o : options) {
      HostValue v = unwrapped(o);
      if (!v.isStr())
        return ev.raise("TypeError", name + " first arg must be str or a tuple of str");
      if (name == "startswith" ? s.starts_with(v.str()) : s.ends_with(v.str()))
        return HostValue::boolean(true);
    }
    return HostValue::boolean(false);
  }
  TSR_TRY(what, text(0));
  if (name == "count") {
    int64_t n = 0;
    if (what->empty())
      return HostValue::integer(static_cast<int64_t>(codePointCount(s)) + 1);
    for (size_t at = 0; (at = s.find(*what, at)) != std::string::npos; at += what->size())
      ++n;
    return HostValue::integer(n);
  }
  size_t from = static_cast<size_t>(std::clamp<int64_t>(number(1, 0), 0, static_cast<int64_t>(s.size())));
  size_t at = name == "rfind" ? s.rfind(*what) : s.find(*what, from);
  if (at == std::string::npos)
    return name == "index" ? ev.raise("ValueError", "substring not found")
                           : MaybeValue(HostValue::integer(int64_t(-1)));
  return HostValue::integer(static_cast<int64_t>(codePointCount(s.substr(0, at))));
}

MaybeValue MethodCall::predicate(const std::string &s) {
  auto all = [&](auto f) { return HostValue::boolean(!s.empty() && std::all_of(s.begin(), s.end(), f)); };
  if (name == "isdigit" || name == "isdecimal" || name == "isnumeric")
    return all(isDigit);
  if (name == "isalpha")
    return all(isAlpha);
  if (name == "isalnum")
    return all([](char c) { return isAlpha(c) || isDigit(c); });
  if (name == "isspace")
    return all(isSpace);
  if (name == "isidentifier")
    return HostValue::boolean(!s.empty() && !isDigit(s[0]) && std::all_of(s.begin(), s.end(), [](char c) {
      return isAlpha(c) || isDigit(c) || c == '_';
    }));
  bool any = std::any_of(s.begin(), s.end(), [](char c) { return upper(c) != lower(c); });
  bool wantUpper = name == "isupper";
  return HostValue::boolean(
      any && std::all_of(s.begin(), s.end(), [&](char c) { return wantUpper ? upper(c) == c : lower(c) == c; }));
}

MaybeValue MethodCall::changeCase(const std::string &s) {
  std::string out = s;
  bool begin = true;
  for (char &c : out) {
    bool isUpper = name == "upper" || (name == "title" && begin) || (name == "capitalize" && begin);
    if (name == "swapcase")
      c = upper(c) == c ? lower(c) : upper(c);
    else
      c = isUpper ? upper(c) : lower(c);
    begin = name == "title" ? !isAlpha(c) : false;
  }
  return HostValue::string(std::move(out));
}

MaybeValue MethodCall::onStr() {
  const std::string &s = self.str();
  if (name == "join") {
    if (!takes(1, 1))
      return std::nullopt;
    TSR_TRY(list, ev.iterate(args[0]));
    std::string out;
    for (size_t i = 0; i < list->size(); ++i) {
      HostValue v = unwrapped((*list)[i]);
      if (!v.isStr())
        return ev.raise("TypeError",
                        "sequence item " + std::to_string(i) + ": expected str instance, " + typeName(v) + " found");
      out += (i ? s : "") + v.str();
    }
    return HostValue::string(std::move(out));
  }
  if (name == "format") {
    TSR_TRY(out, ev.formatFields(s, args, keywords));
    return HostValue::string(std::move(*out));
  }
  if (name.ends_with("strip"))
    return takes(0, 1) ? strip(s) : std::nullopt;
  if (name == "split" || name == "rsplit" || name == "splitlines")
    return takes(0, 2) ? split(s) : std::nullopt;
  if (name == "find" || name == "rfind" || name == "index" || name == "count" || name == "startswith" ||
      name == "endswith")
    return find(s);
  if (name.starts_with("is"))
    return predicate(s);
  if (name == "upper" || name == "lower" || name == "title" || name == "capitalize" || name == "casefold" ||
      name == "swapcase")
    return changeCase(s);
  if (name == "replace") {
    if (!takes(2, 3))
      return std::nullopt;
    TSR_TRY(from, text(0));
    TSR_TRY(to, text(1));
    int64_t limit = number(2, -1);
    std::string out;
    size_t at = 0;
    if (from->empty())
      return ev.raise("ValueError", "replace() of an empty string is not supported at compile time");
    for (size_t hit; limit != 0 && (hit = s.find(*from, at)) != std::string::npos; at = hit + from->size(), --limit)
      out += s.substr(at, hit - at) + *to;
    return HostValue::string(out + s.substr(at));
  }
  if (name == "zfill" || name == "ljust" || name == "rjust" || name == "center") {
    if (!takes(1, 2))
      return std::nullopt;
    std::string fill = args.size() > 1 && args[1].isStr() ? args[1].str() : " ";
    std::string width = std::to_string(std::clamp<int64_t>(number(0, 0), 0, 99999));
    if (name == "zfill" && !s.empty() && (s[0] == '-' || s[0] == '+')) {
      std::string body = s.substr(1);
      while (body.size() + 1 < static_cast<size_t>(number(0, 0)) && body.size() < 99999)
        body.insert(0, 1, '0');
      return HostValue::string(s[0] + body);
    }
    TSR_TRY(out, ev.format(self, name == "zfill" ? "0>" + width
                                                 : fill +
                                                       (name == "ljust"   ? "<"
                                                        : name == "rjust" ? ">"
                                                                          : "^") +
                                                       width));
    return HostValue::string(std::move(*out));
  }
  if (!takes(1, 1))
    return std::nullopt;
  TSR_TRY(what, text(0));
  if (name == "removeprefix")
    return HostValue::string(s.starts_with(*what) ? s.substr(what->size()) : s);
  if (name == "removesuffix")
    return HostValue::string(!what->empty() && s.ends_with(*what) ? s.substr(0, s.size() - what->size()) : s);
  if (what->empty())
    return ev.raise("ValueError", "empty separator");
  size_t at = name == "partition" ? s.find(*what) : s.rfind(*what);
  if (at == std::string::npos)
    return name == "partition" ? HostValue::tuple({self, HostValue::string(""), HostValue::string("")})
                               : HostValue::tuple({HostValue::string(""), HostValue::string(""), self});
  return HostValue::tuple(
      {HostValue::string(s.substr(0, at)), args[0], HostValue::string(s.substr(at + what->size()))});
}

MaybeValue MethodCall::position(const Values &list) {
  if (!takes(1, 1))
    return std::nullopt;
  int64_t n = 0;
  for (size_t i = 0; i < list.size(); ++i) {
    TSR_TRY(same, ev.compare(CmpOpKind::Eq, list[i], args[0]));
    if (*same && name != "count")
      return HostValue::integer(static_cast<int64_t>(i));
    n += *same;
  }
  return name == "count" ? MaybeValue(HostValue::integer(n))
                         : ev.raise("ValueError", repr(args[0]) + " is not in " + typeName(self));
}

MaybeValue MethodCall::sort() {
  bool reverse = false;
  std::optional<HostValue> key;
  for (auto &[k, v] : keywords) {
    if (k == "reverse") {
      TSR_TRY(t, ev.truth(v));
      reverse = *t;
    } else if (k == "key" && !v.isNone()) {
      key = v;
    }
  }
  std::vector<std::pair<HostValue, HostValue>> rows;
  for (const HostValue &v : self.elements()) {
    TSR_TRY(k, key ? ev.call(*key, {v}) : MaybeValue(v));
    rows.emplace_back(*k, v);
  }
  // Insertion by binary search: stable, and safe whatever the comparisons of user classes answer.
  std::vector<std::pair<HostValue, HostValue>> sorted;
  for (auto &row : rows) {
    size_t low = 0, high = sorted.size();
    while (low < high) {
      size_t middle = (low + high) / 2;
      TSR_TRY(before, reverse ? ev.compare(CmpOpKind::Lt, sorted[middle].first, row.first)
                              : ev.compare(CmpOpKind::Lt, row.first, sorted[middle].first));
      (*before ? high : low) = *before ? middle : middle + 1;
    }
    sorted.insert(sorted.begin() + static_cast<ptrdiff_t>(low), row);
  }
  Values &list = self.elements();
  list.clear();
  for (auto &row : sorted)
    list.push_back(row.second);
  return HostValue();
}

MaybeValue MethodCall::onList() {
  Values &list = self.elements();
  auto size = static_cast<int64_t>(list.size());
  if (name == "append") {
    if (!takes(1, 1))
      return std::nullopt;
    list.push_back(args[0]);
  } else if (name == "extend") {
    if (!takes(1, 1))
      return std::nullopt;
    TSR_TRY(more, ev.iterate(args[0]));
    list.insert(list.end(), more->begin(), more->end());
  } else if (name == "insert") {
    if (!takes(2, 2))
      return std::nullopt;
    int64_t at = number(0, 0);
    list.insert(list.begin() + std::clamp<int64_t>(at < 0 ? at + size : at, 0, size), args[1]);
  } else if (name == "pop") {
    int64_t at = number(0, -1);
    at = at < 0 ? at + size : at;
    if (at < 0 || at >= size)
      return ev.raise("IndexError", size ? "pop index out of range" : "pop from empty list");
    HostValue v = list[static_cast<size_t>(at)];
    list.erase(list.begin() + at);
    return v;
  } else if (name == "remove") {
    TSR_TRY(at, position(list));
    list.erase(list.begin() + *at->toI64());
  } else if (name == "sort") {
    return sort();
  } else if (name == "reverse") {
    std::reverse(list.begin(), list.end());
  } else if (name == "copy") {
    return HostValue::list(list);
  } else if (name == "clear") {
    list.clear();
  } else {
    return position(list);
  }
  return HostValue();
}

MaybeValue MethodCall::onTuple() {
  auto *s = self.get<SequenceObject>();
  if (name == "_asdict") {
    HostValue d = makeDict();
    for (size_t i = 0; i < s->fieldNames.size(); ++i)
      DictAccess{ev, *d.get<DictObject>()}.set(HostValue::string(s->fieldNames[i]), s->elements[i]);
    return d;
  }
  if (name == "_replace") {
    HostValue out = HostValue::tuple(s->elements);
    out.get<SequenceObject>()->cls = s->cls;
    out.get<SequenceObject>()->fieldNames = s->fieldNames;
    for (auto &[k, v] : keywords) {
      auto it = std::find(s->fieldNames.begin(), s->fieldNames.end(), k);
      if (it == s->fieldNames.end())
        return ev.raise("ValueError", "got unexpected field name '" + k + "'");
      out.elements()[static_cast<size_t>(it - s->fieldNames.begin())] = v;
    }
    return out;
  }
  return position(s->elements);
}

MaybeValue MethodCall::onDict() {
  DictAccess d{ev, *self.get<DictObject>()};
  if (name == "keys" || name == "values" || name == "items") {
    Values out;
    for (auto &[k, v] : d.d.entries)
      out.push_back(name == "keys" ? k : name == "values" ? v : HostValue::tuple({k, v}));
    return HostValue::list(std::move(out));
  }
  if (name == "copy" || name == "clear") {
    HostValue out = makeDict();
    if (name == "copy") {
      out.get<DictObject>()->entries = d.d.entries;
      out.get<DictObject>()->index = d.d.index;
      return out;
    }
    d.d.entries.clear();
    d.d.index.clear();
    return HostValue();
  }
  if (name == "update") {
    for (const HostValue &a : args) {
      HostValue v = unwrapped(a);
      if (v.kind() == HostKind::Dict) {
        for (auto &[k, x] : std::vector(v.get<DictObject>()->entries))
          if (!d.set(k, x))
            return std::nullopt;
        continue;
      }
      TSR_TRY(pairs, ev.iterate(v));
      for (const HostValue &p : *pairs) {
        TSR_TRY(two, ev.iterate(p));
        if (two->size() != 2)
          return ev.raise("ValueError", "update() needs pairs");
        if (!d.set((*two)[0], (*two)[1]))
          return std::nullopt;
      }
    }
    for (auto &[k, v] : keywords)
      if (!d.set(HostValue::string(k), v))
        return std::nullopt;
    return HostValue();
  }
  if (!takes(1, 2)) // get, pop, setdefault
    return std::nullopt;
  TSR_TRY(at, d.find(args[0]));
  if (*at >= 0) {
    HostValue v = d.d.entries[static_cast<size_t>(*at)].second;
    if (name == "pop" && !d.erase(*at))
      return std::nullopt;
    return v;
  }
  if (name == "pop" && args.size() == 1)
    return ev.raise("KeyError", repr(args[0]));
  HostValue fallback = args.size() > 1 ? args[1] : HostValue();
  if (name == "setdefault" && !d.set(args[0], fallback))
    return std::nullopt;
  return fallback;
}

MaybeValue MethodCall::onSet() {
  DictAccess s{ev, *self.get<DictObject>()};
  if (name == "clear" || name == "copy") {
    if (name == "copy")
      return ev.binary(BinOpKind::BitOr, self, makeSet());
    s.d.entries.clear();
    s.d.index.clear();
    return HostValue();
  }
  if (name == "pop") {
    if (s.d.entries.empty())
      return ev.raise("KeyError", "'pop from an empty set'");
    HostValue v = s.d.entries.front().first;
    return s.erase(0) ? MaybeValue(v) : std::nullopt;
  }
  if (name == "add")
    return takes(1, 1) && s.set(args[0], {}) ? MaybeValue(HostValue()) : std::nullopt;
  if (name == "discard" || name == "remove") {
    if (!takes(1, 1))
      return std::nullopt;
    TSR_TRY(at, s.find(args[0]));
    if (*at >= 0)
      return s.erase(*at) ? MaybeValue(HostValue()) : std::nullopt;
    return name == "discard" ? MaybeValue(HostValue()) : ev.raise("KeyError", repr(args[0]));
  }
  HostValue total = self;
  for (const HostValue &a : args) {
    TSR_TRY(list, ev.iterate(a));
    HostValue other = makeSet();
    for (const HostValue &v : *list)
      if (!(name == "update" ? s.set(v, {}) : DictAccess{ev, *other.get<DictObject>()}.set(v, {})))
        return std::nullopt;
    if (name == "update")
      continue;
    if (name == "issubset" || name == "issuperset" || name == "isdisjoint") {
      if (name == "isdisjoint") {
        TSR_TRY(both, ev.binary(BinOpKind::BitAnd, self, other));
        return HostValue::boolean(both->get<DictObject>()->entries.empty());
      }
      TSR_TRY(r, ev.compare(name == "issubset" ? CmpOpKind::LtE : CmpOpKind::GtE, self, other));
      return HostValue::boolean(*r);
    }
    BinOpKind op = name == "union"          ? BinOpKind::BitOr
                   : name == "intersection" ? BinOpKind::BitAnd
                   : name == "difference"   ? BinOpKind::Sub
                                            : BinOpKind::BitXor;
    TSR_TRY(next, ev.binary(op, total, other));
    total = *next;
  }
  return name == "update" ? HostValue() : total;
}

MaybeValue MethodCall::onNumber() {
  if (self.isFloat()) {
    double d = self.floatValue();
    if (name == "is_integer")
      return HostValue::boolean(std::isfinite(d) && d == std::floor(d));
    if (name == "as_integer_ratio") {
      if (!std::isfinite(d))
        return ev.raise("OverflowError", "cannot convert infinity or NaN to integer ratio");
      int e = 0;
      BigInt top = *BigInt::fromDouble(std::ldexp(std::frexp(d, &e), 53)), bottom(1);
      e -= 53;
      for (; e < 0 && !top.isOdd() && !top.isZero(); ++e)
        top = top.shiftRight(1);
      if (top.isZero())
        e = 0;
      if (e > 0)
        top = top.shiftLeft(static_cast<size_t>(e));
      else
        bottom = bottom.shiftLeft(static_cast<size_t>(-e));
      return HostValue::tuple({HostValue::integer(top), HostValue::integer(bottom)});
    }
    return self;
  }
  BigInt b = self.bigInt();
  if (name == "bit_length")
    return HostValue::integer(static_cast<int64_t>(b.bitLength()));
  if (name == "is_integer")
    return HostValue::boolean(true);
  if (name == "bit_count") {
    int64_t n = 0;
    for (uint32_t limb : b.limbs())
      n += __builtin_popcount(limb);
    return HostValue::integer(n);
  }
  return HostValue::integer(b);
}
} // namespace

bool hasMethod(const HostValue &v, std::string_view name) {
  auto list = methodsOf(v);
  return std::find(list.begin(), list.end(), name) != list.end();
}

MaybeValue callBuiltinMethod(Evaluator &ev, BuiltinObject &self, Values &args, HostKeywords &keywords) {
  MethodCall call{ev, self.name, self.bound, args, keywords};
  switch (self.bound.kind()) {
  case HostKind::Str:
    return call.onStr();
  case HostKind::List:
    return call.onList();
  case HostKind::Tuple:
    return call.onTuple();
  case HostKind::Dict:
    return call.onDict();
  case HostKind::Set:
    return call.onSet();
  default:
    return call.onNumber();
  }
}

} // namespace tessera::py
