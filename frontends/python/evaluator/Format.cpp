// Format.cpp - values as text: repr, str, format specifications, %, str.format
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/evaluator/EvaluatorImpl.h"
#include "frontends/python/syntax/Literals.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace tessera::py {

namespace {
thread_local unsigned reprDepth = 0;               // lists may contain themselves
thread_local EvaluatorImpl *userMethods = nullptr; // while user-written __repr__ methods may run

std::string reprOf(const HostValue &v);

std::string joinReprs(const Values &list) {
  std::string s;
  for (size_t i = 0; i < list.size(); ++i)
    s += (i ? ", " : "") + reprOf(list[i]);
  return s;
}

std::string reprOfInstance(const InstanceObject &i) {
  if (i.cls->flavour == ClassFlavour::Enum) {
    const HostValue *name = const_cast<InstanceObject &>(i).find("name"),
                    *value = const_cast<InstanceObject &>(i).find("value");
    return "<" + i.cls->name + "." + (name ? str(*name) : "?") + ": " + (value ? reprOf(*value) : "?") + ">";
  }
  if (i.cls->flavour == ClassFlavour::Dataclass) {
    std::string s = i.cls->name + "(";
    bool first = true;
    for (const std::string &f : i.cls->fields) {
      const HostValue *v = const_cast<InstanceObject &>(i).find(f);
      s += (first ? "" : ", ") + f + "=" + (v ? reprOf(*v) : "?");
      first = false;
    }
    return s + ")";
  }
  if (i.cls->flavour == ClassFlavour::Exception) {
    const HostValue *args = const_cast<InstanceObject &>(i).find("args");
    return i.cls->name + "(" + (args ? joinReprs(args->elements()) : "") + ")";
  }
  return "<" + i.cls->name + " object>";
}

std::string reprOf(const HostValue &v) {
  struct Depth {
    Depth() { ++reprDepth; }
    ~Depth() { --reprDepth; }
  } depth;
  if (reprDepth > 50)
    return "...";
  switch (v.kind()) {
  case HostKind::None:
    return "None";
  case HostKind::Ellipsis:
    return "Ellipsis";
  case HostKind::NotImplemented:
    return "NotImplemented";
  case HostKind::Bool:
    return v.boolValue() ? "True" : "False";
  case HostKind::Int:
    return v.bigInt().toString();
  case HostKind::Float:
    return floatRepr(v.floatValue());
  case HostKind::Str:
    return stringRepr(v.str());
  case HostKind::Tuple: {
    auto *s = v.get<SequenceObject>();
    if (!s->fieldNames.empty()) {
      std::string out = typeName(v) + "(";
      for (size_t i = 0; i < s->elements.size(); ++i)
        out += (i ? ", " : "") + s->fieldNames[i] + "=" + reprOf(s->elements[i]);
      return out + ")";
    }
    return "(" + joinReprs(s->elements) + (s->elements.size() == 1 ? ",)" : ")");
  }
  case HostKind::List:
    return "[" + joinReprs(v.elements()) + "]";
  case HostKind::Dict:
  case HostKind::Set: {
    auto &entries = v.get<DictObject>()->entries;
    if (v.kind() == HostKind::Set && entries.empty())
      return "set()";
    std::string s = "{";
    for (size_t i = 0; i < entries.size(); ++i)
      s += (i ? ", " : "") + reprOf(entries[i].first) +
           (v.kind() == HostKind::Dict ? ": " + reprOf(entries[i].second) : "");
    return s + "}";
  }
  case HostKind::Range: {
    auto *r = v.get<RangeObject>();
    return "range(" + std::to_string(r->start) + ", " + std::to_string(r->stop) +
           (r->step == 1 ? "" : ", " + std::to_string(r->step)) + ")";
  }
  case HostKind::Slice: {
    auto *s = v.get<SliceObject>();
    return "slice(" + reprOf(s->lower) + ", " + reprOf(s->upper) + ", " + reprOf(s->step) + ")";
  }
  case HostKind::Function:
    return "<function " + v.get<FunctionObject>()->name + ">";
  case HostKind::Builtin:
    return "<built-in function " + v.get<BuiltinObject>()->name + ">";
  case HostKind::BoundMethod:
    return "<bound method>";
  case HostKind::Class:
    return "<class '" + v.get<ClassObject>()->name + "'>";
  case HostKind::Instance:
    if (userMethods && userMethods->lookupMethod(v, "__repr__")) {
      auto text = userMethods->textOf(v, true);
      return text ? *text : "";
    }
    return reprOfInstance(*v.get<InstanceObject>());
  case HostKind::Opaque:
    return "<" + v.get<OpaqueObject>()->path + ">";
  case HostKind::Foreign:
    return v.get<ForeignObject>()->repr();
  }
  return "?";
}

std::string strOf(const HostValue &v) {
  if (v.isStr())
    return v.str();
  if (v.isForeign())
    return v.get<ForeignObject>()->str();
  if (v.kind() == HostKind::Instance) {
    auto *i = v.get<InstanceObject>();
    if (i->cls->flavour == ClassFlavour::Enum) {
      if (i->cls->isIntEnum)
        return reprOf(*i->find("value"));
      return i->cls->name + "." + str(*i->find("name"));
    }
    if (i->cls->flavour == ClassFlavour::Exception)
      if (const HostValue *args = i->find("args")) {
        if (args->elements().empty())
          return "";
        return args->elements().size() == 1 ? strOf(args->elements()[0]) : reprOf(*args);
      }
  }
  return reprOf(v);
}

struct Spec {
  std::string fill = " ";
  char align = 0, sign = '-', grouping = 0, type = 0;
  bool alternate = false, zero = false;
  size_t width = 0;
  int precision = -1;
};

bool parseSpec(std::string_view s, Spec &out) {
  size_t i = 0;
  auto isAlign = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
  size_t first = 0;
  if (!s.empty()) {
    readUtf8(s, first);
    if (first < s.size() && isAlign(s[first])) {
      out.fill = s.substr(0, first);
      out.align = s[first];
      i = first + 1;
    } else if (isAlign(s[0])) {
      out.align = s[0];
      i = 1;
    }
  }
  auto at = [&] { return i < s.size() ? s[i] : '\0'; };
  if (at() == '+' || at() == '-' || at() == ' ')
    out.sign = s[i++];
  if (at() == 'z')
    ++i;
  if (at() == '#')
    out.alternate = true, ++i;
  if (at() == '0') {
    out.zero = true, ++i;
    if (!out.align) {
      out.fill = "0";
      out.align = '=';
    }
  }
  for (; at() >= '0' && at() <= '9'; ++i)
    if ((out.width = out.width * 10 + static_cast<size_t>(at() - '0')) > 100000)
      return false;
  if (at() == ',' || at() == '_')
    out.grouping = s[i++];
  if (at() == '.') {
    ++i;
    if (at() < '0' || at() > '9')
      return false;
    for (out.precision = 0; at() >= '0' && at() <= '9'; ++i)
      if ((out.precision = out.precision * 10 + (at() - '0')) > 400)
        return false;
  }
  if (i < s.size())
    out.type = s[i++];
  return i == s.size();
}

std::string pad(const std::string &sign, const std::string &body, const Spec &s, char defaultAlign) {
  size_t length = codePointCount(sign) + codePointCount(body);
  if (length >= s.width)
    return sign + body;
  size_t missing = s.width - length;
  char align = s.align ? s.align : defaultAlign;
  size_t left = align == '>' || align == '=' ? missing : align == '^' ? missing / 2 : 0;
  std::string before, after;
  for (size_t i = 0; i < left; ++i)
    before += s.fill;
  for (size_t i = left; i < missing; ++i)
    after += s.fill;
  return align == '=' ? sign + before + body : before + sign + body + after;
}

std::string grouped(std::string digits, char separator, size_t every) {
  if (!separator)
    return digits;
  for (size_t at = digits.size(); at > every;)
    digits.insert(at -= every, 1, separator);
  return digits;
}

// Number as text without sign; the caller pads.
std::string formatReal(double magnitude, const Spec &s, bool isInteger) {
  char type = s.type ? s.type : 0;
  if (std::isnan(magnitude))
    return std::string(type == 'F' || type == 'E' || type == 'G' ? "NAN" : "nan") + (type == '%' ? "%" : "");
  if (std::isinf(magnitude))
    return std::string(type == 'F' || type == 'E' || type == 'G' ? "INF" : "inf") + (type == '%' ? "%" : "");
  std::string out;
  char buf[1024];
  if (!type && s.precision < 0) {
    out = floatRepr(magnitude);
  } else {
    int precision = s.precision < 0 ? 6 : s.precision;
    char conversion = type == '%' ? 'f' : type == 'n' || !type ? 'g' : type;
    char format[16];
    std::snprintf(format, sizeof format, "%%%s.%d%c", s.alternate ? "#" : "", precision, conversion);
    std::snprintf(buf, sizeof buf, format, type == '%' ? magnitude * 100 : magnitude);
    out = buf;
    if (!type && out.find_first_of(".e") == std::string::npos)
      out += ".0";
    if (type == '%')
      out += '%';
  }
  if (s.grouping) {
    size_t end = out.find_first_of(".e%");
    std::string head = out.substr(0, end), tail = end == std::string::npos ? "" : out.substr(end);
    out = grouped(head, s.grouping, 3) + tail;
  }
  return out;
}
} // namespace

std::string repr(const HostValue &v) { return reprOf(v); }
std::string str(const HostValue &v) { return strOf(v); }

std::string abridged(std::string text) {
  size_t most = std::min<size_t>(60, text.find('\n'));
  if (most >= text.size())
    return text;
  while (most > 0 && (text[most] & 0xc0) == 0x80) // within a character
    --most;
  return text.substr(0, most) + "…";
}

std::string typeName(const HostValue &v) {
  switch (v.kind()) {
  case HostKind::None:
    return "NoneType";
  case HostKind::Ellipsis:
    return "ellipsis";
  case HostKind::NotImplemented:
    return "NotImplementedType";
  case HostKind::Bool:
    return "bool";
  case HostKind::Int:
    return "int";
  case HostKind::Float:
    return "float";
  case HostKind::Str:
    return "str";
  case HostKind::Tuple:
    if (auto *s = v.get<SequenceObject>(); !s->fieldNames.empty()) {
      if (s->cls.kind() == HostKind::Class)
        return s->cls.get<ClassObject>()->name;
      if (s->cls.isForeign())
        return s->cls.get<ForeignObject>()->typeName();
    }
    return "tuple";
  case HostKind::List:
    return "list";
  case HostKind::Dict:
    return "dict";
  case HostKind::Set:
    return "set";
  case HostKind::Range:
    return "range";
  case HostKind::Slice:
    return "slice";
  case HostKind::Function:
    return "function";
  case HostKind::Builtin:
    return "builtin_function_or_method";
  case HostKind::BoundMethod:
    return "method";
  case HostKind::Class:
    return "type";
  case HostKind::Instance:
    return v.get<InstanceObject>()->cls->name;
  case HostKind::Opaque:
    return v.get<OpaqueObject>()->path;
  case HostKind::Foreign:
    return v.get<ForeignObject>()->typeName();
  }
  return "object";
}

std::optional<std::string> EvaluatorImpl::textOf(const HostValue &value, bool isRepr) {
  HostValue v = isRepr && liveObject(value) ? value : unwrapped(value);
  if (LiveObject *live = liveObject(v)) {
    TSR_TRY(r, live->apply(ev, isRepr ? LiveOp::Repr : LiveOp::Str, {v}));
    return r->isStr() ? r->str() : "";
  }
  if (v.kind() == HostKind::Instance)
    for (std::string_view name : {"__str__", "__repr__"}) {
      if (isRepr && name == "__str__")
        continue;
      if (!lookupMethod(v, name))
        continue;
      TSR_TRY(r, callMethod(v, name, {}));
      if (!r->isStr())
        return ev.raise("TypeError", std::string(name) + " returned a value that is not a string");
      return r->str();
    }
  EvaluatorImpl *outer = userMethods;
  userMethods = this;
  std::string text = isRepr ? repr(v) : str(v);
  userMethods = outer;
  if (ev.hasError())
    return std::nullopt;
  return text;
}

std::optional<std::string> Evaluator::format(const HostValue &value, std::string_view text) {
  HostValue v = unwrapped(value);
  if (v.kind() == HostKind::Instance && v.get<InstanceObject>()->cls->isIntEnum)
    v = HostValue(*v.get<InstanceObject>()->find("value"));
  if (LiveObject *live = liveObject(v)) {
    TSR_TRY(r, live->apply(*this, LiveOp::Format, {v, HostValue::string(std::string(text))}));
    return r->isStr() ? r->str() : "";
  }
  if (text.empty())
    return impl_->textOf(v, false);
  Spec s;
  if (!parseSpec(text, s))
    return raise("ValueError", "invalid format specifier '" + std::string(text) + "'");
  if (v.isStr()) {
    if (s.type && s.type != 's')
      return raise("ValueError", std::string("unknown format code '") + s.type + "' for object of type 'str'");
    std::string body = v.str();
    if (s.precision >= 0 && codePointCount(body) > static_cast<size_t>(s.precision)) {
      std::string cut;
      auto chars = codePoints(body);
      for (int i = 0; i < s.precision; ++i)
        cut += chars[static_cast<size_t>(i)];
      body = cut;
    }
    if (s.align == '=')
      s.align = '<';
    return pad("", body, s, '<');
  }
  auto signText = [&](bool negative) {
    return std::string(negative ? "-" : s.sign == '+' ? "+" : s.sign == ' ' ? " " : "");
  };
  bool realType = s.type && std::string_view("eEfFgG%").find(s.type) != std::string_view::npos;
  if (v.isIntOrBool() && !realType && (v.isInt() || s.type)) {
    BigInt b = v.bigInt();
    BigInt magnitude = b.isNegative() ? -b : b;
    if (s.precision >= 0)
      return raise("ValueError", "precision not allowed in integer format specifier");
    std::string body, prefix;
    switch (s.type) {
    case 0:
    case 'n':
    case 'd':
      body = grouped(magnitude.toString(), s.grouping, 3);
      break;
    case 'b':
      body = grouped(magnitude.toString(2), s.grouping, 4);
      prefix = "0b";
      break;
    case 'o':
      body = grouped(magnitude.toString(8), s.grouping, 4);
      prefix = "0o";
      break;
    case 'x':
      body = grouped(magnitude.toString(16), s.grouping, 4);
      prefix = "0x";
      break;
    case 'X':
      body = grouped(magnitude.toString(16), s.grouping, 4);
      std::transform(body.begin(), body.end(), body.begin(),
                     [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
      prefix = "0X";
      break;
    case 'c':
      if (auto c = b.toU64(); c && *c < 0x110000) {
        appendUtf8(body, static_cast<uint32_t>(*c));
        return pad("", body, s, '<');
      }
      return raise("OverflowError", "%c arg not in range(0x110000)");
    default:
      return raise("ValueError", std::string("unknown format code '") + s.type + "' for object of type 'int'");
    }
    std::string sign = signText(b.isNegative()) + (s.alternate ? prefix : "");
    if (s.zero && s.grouping && s.align == '=') { // zeros are grouped as digits
      std::string digits = magnitude.toString(s.type == 'b' ? 2 : s.type == 'o' ? 8 : s.type == 'x' ? 16 : 10);
      while (sign.size() + grouped(digits, s.grouping, 3).size() < s.width)
        digits.insert(0, 1, '0');
      body = grouped(digits, s.grouping, 3);
    }
    return pad(sign, body, s, '>');
  }
  if (v.isFloat() || (v.isIntOrBool() && realType)) {
    double d = *v.toDouble();
    if (s.type && !realType && s.type != 'n')
      return raise("ValueError", std::string("unknown format code '") + s.type + "' for object of type 'float'");
    return pad(signText(std::signbit(d) && !std::isnan(d)), formatReal(std::fabs(d), s, v.isInt()), s, '>');
  }
  if (v.kind() == HostKind::Instance && impl_->lookupMethod(v, "__format__")) {
    TSR_TRY(r, impl_->callMethod(v, "__format__", {HostValue::string(std::string(text))}));
    return str(*r);
  }
  if (v.isBool()) {
    if (s.type && s.type != 's')
      return raise("ValueError", "unknown format code for object of type 'bool'");
    return pad("", v.boolValue() ? "1" : "0", s, '>');
  }
  return raise("TypeError", "unsupported format string passed to " + typeName(v) + ".__format__");
}

std::optional<std::string> EvaluatorImpl::percentFormat(const std::string &f, const HostValue &args) {
  std::string out;
  size_t next = 0;
  bool usedNames = false;
  for (size_t i = 0; i < f.size(); ++i) {
    if (f[i] != '%') {
      out += f[i];
      continue;
    }
    if (++i < f.size() && f[i] == '%') {
      out += '%';
      continue;
    }
    HostValue value;
    bool haveValue = false;
    if (i < f.size() && f[i] == '(') {
      size_t close = f.find(')', i);
      if (close == std::string::npos)
        return ev.raise("ValueError", "incomplete format key");
      TSR_TRY(named, ev.getItem(args, HostValue::string(f.substr(i + 1, close - i - 1))));
      value = *named;
      haveValue = usedNames = true;
      i = close + 1;
    }
    Spec s;
    bool left = false, zero = false;
    for (; i < f.size() && std::string_view("-+ #0").find(f[i]) != std::string_view::npos; ++i) {
      left |= f[i] == '-';
      zero |= f[i] == '0';
      s.alternate |= f[i] == '#';
      if (f[i] == '+' || f[i] == ' ')
        s.sign = f[i];
    }
    for (; i < f.size() && f[i] >= '0' && f[i] <= '9' && s.width < 100000; ++i)
      s.width = s.width * 10 + static_cast<size_t>(f[i] - '0');
    if (i < f.size() && f[i] == '.')
      for (s.precision = 0, ++i; i < f.size() && f[i] >= '0' && f[i] <= '9' && s.precision < 400; ++i)
        s.precision = s.precision * 10 + (f[i] - '0');
    if (i >= f.size())
      return ev.raise("ValueError", "incomplete format");
    if (!haveValue) {
      if (args.isTuple()) {
        if (next >= args.elements().size())
          return ev.raise("TypeError", "not enough arguments for format string");
        value = args.elements()[next++];
      } else if (next++ == 0) {
        value = args;
      } else {
        return ev.raise("TypeError", "not enough arguments for format string");
      }
    }
    char c = f[i];
    std::string spec = left ? "<" : c == 's' || c == 'r' || c == 'a' ? ">" : zero ? "0=" : ">";
    if (s.sign != '-')
      spec += s.sign;
    if (s.alternate)
      spec += '#';
    if (s.width)
      spec += std::to_string(s.width);
    std::string precision = s.precision >= 0 ? "." + std::to_string(s.precision) : "";
    if (c == 's' || c == 'r' || c == 'a') {
      TSR_TRY(text, textOf(value, c != 's'));
      value = HostValue::string(*text);
      spec += precision;
    } else if (c == 'd' || c == 'i' || c == 'u') {
      HostValue v = unwrapped(value);
      if (v.isFloat()) {
        auto b = BigInt::fromDouble(v.floatValue());
        if (!b)
          return ev.raise("ValueError", "cannot convert float to integer");
        v = HostValue::integer(*b);
      }
      if (!v.isIntOrBool())
        return ev.raise("TypeError", "%d format: a real number is required, not " + typeName(v));
      value = HostValue::integer(v.bigInt());
      spec += 'd';
    } else if (std::string_view("xXoeEfFgGc").find(c) != std::string_view::npos) {
      spec += c == 'x' || c == 'X' || c == 'o' || c == 'c' ? "" : precision;
      spec += c;
    } else {
      return ev.raise("ValueError", std::string("unsupported format character '") + c + "'");
    }
    TSR_TRY(text, ev.format(value, spec));
    out += *text;
  }
  if (args.isTuple() && next < args.elements().size() && !usedNames)
    return ev.raise("TypeError", "not all arguments converted during string formatting");
  if (!args.isTuple() && next == 0 && !usedNames && args.kind() != HostKind::Dict)
    return ev.raise("TypeError", "not all arguments converted during string formatting");
  return out;
}

// "{0.attr[key]!r:spec}"
std::optional<std::string> EvaluatorImpl::formatMethod(const std::string &f, const Values &args,
                                                       const HostKeywords &keywords) {
  std::string out;
  size_t next = 0;
  for (size_t i = 0; i < f.size(); ++i) {
    char c = f[i];
    if ((c == '{' || c == '}') && i + 1 < f.size() && f[i + 1] == c) {
      out += c;
      ++i;
      continue;
    }
    if (c == '}')
      return ev.raise("ValueError", "Single '}' encountered in format string");
    if (c != '{') {
      out += c;
      continue;
    }
    size_t close = i + 1, depth = 1;
    for (; close < f.size(); ++close) {
      depth += f[close] == '{';
      depth -= f[close] == '}';
      if (!depth)
        break;
    }
    if (close >= f.size())
      return ev.raise("ValueError", "expected '}' before end of string");
    std::string field = f.substr(i + 1, close - i - 1);
    i = close;
    size_t nameEnd = std::min(field.find_first_of("!:"), field.size());
    std::string name = field.substr(0, nameEnd), spec;
    char conversion = 0;
    if (nameEnd < field.size() && field[nameEnd] == '!') {
      conversion = nameEnd + 1 < field.size() ? field[nameEnd + 1] : 0;
      nameEnd = std::min(nameEnd + 2, field.size());
    }
    if (nameEnd < field.size())
      spec = field.substr(nameEnd + 1);
    if (spec.find('{') != std::string::npos) { // nested fields take the next positional arguments
      Values rest(args.begin() + static_cast<ptrdiff_t>(std::min(args.size(), next + (name.empty() ? 1 : 0))),
                  args.end());
      TSR_TRY(inner, formatMethod(spec, name.empty() ? rest : args, keywords));
      spec = *inner;
    }
    size_t headEnd = std::min(name.find_first_of(".["), name.size());
    std::string head = name.substr(0, headEnd);
    MaybeValue value;
    if (head.empty() || (head[0] >= '0' && head[0] <= '9')) {
      size_t index = head.empty() ? next++ : static_cast<size_t>(std::strtoul(head.c_str(), nullptr, 10));
      if (index >= args.size())
        return ev.raise("IndexError",
                        "Replacement index " + std::to_string(index) + " out of range for positional args tuple");
      value = args[index];
    } else {
      for (auto &[k, v] : keywords)
        if (k == head)
          value = v;
      if (!value)
        return ev.raise("KeyError", stringRepr(head));
    }
    for (size_t at = headEnd; at < name.size();) {
      if (name[at] == '.') {
        size_t end = std::min(name.find_first_of(".[", at + 1), name.size());
        value = ev.getAttribute(*value, name.substr(at + 1, end - at - 1));
        at = end;
      } else {
        size_t end = std::min(name.find(']', at), name.size());
        std::string key = name.substr(at + 1, end - at - 1);
        bool isIndex = !key.empty() && key.find_first_not_of("0123456789") == std::string::npos;
        value = ev.getItem(*value, isIndex ? HostValue::integer(std::atoll(key.c_str())) : HostValue::string(key));
        at = end + 1;
      }
      if (!value)
        return std::nullopt;
    }
    if (conversion) {
      TSR_TRY(text, textOf(*value, conversion != 's'));
      value = HostValue::string(*text);
    }
    TSR_TRY(text, ev.format(*value, spec));
    out += *text;
  }
  return out;
}

std::optional<std::string> Evaluator::text(const HostValue &v, bool isRepr) { return impl_->textOf(v, isRepr); }
std::optional<std::string> Evaluator::formatFields(const std::string &f, const Values &args,
                                                   const HostKeywords &keywords) {
  return impl_->formatMethod(f, args, keywords);
}

size_t codePointCount(std::string_view s) {
  size_t n = 0;
  for (char c : s)
    n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

std::vector<std::string> codePoints(std::string_view s) {
  std::vector<std::string> out;
  for (size_t i = 0; i < s.size();) {
    size_t from = i;
    readUtf8(s, i);
    out.emplace_back(s.substr(from, i - from));
  }
  return out;
}

} // namespace tessera::py
