// Print.cpp - a module as text
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/EnumNames.h"
#include "core/bytecode/Text.h"
#include "core/bytecode/Wire.h"

#include <bit>
#include <cmath>
#include <cstdio>

namespace tessera::tbc {

namespace {
void quote(std::string &out, std::string_view s) {
  out += '"';
  for (unsigned char c : s) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c < 0x20 || c == 0x7f) {
      char buf[8];
      std::snprintf(buf, sizeof buf, "\\x%02x", c);
      out += buf;
    } else {
      out += static_cast<char>(c);
    }
  }
  out += '"';
}

// Exact: the shortest of 9 and 17 digits that reads back, and bits for what is no number.
std::string floatText(double v) {
  char buf[40];
  if (!std::isfinite(v)) {
    std::snprintf(buf, sizeof buf, "0f%016llx", static_cast<unsigned long long>(std::bit_cast<uint64_t>(v)));
    return buf;
  }
  for (int digits : {6, 9, 17}) {
    std::snprintf(buf, sizeof buf, "%.*g", digits, v);
    if (std::strtod(buf, nullptr) == v)
      break;
  }
  std::string s = buf;
  if (s.find_first_of(".en") == std::string::npos)
    s += ".0";
  return s;
}

std::string listText(const std::vector<int64_t> &v) {
  std::string s = "[";
  for (size_t i = 0; i < v.size(); ++i)
    s += (i ? ", " : "") + std::to_string(v[i]);
  return s + "]";
}

class Printer {
public:
  Printer(const Module &m, const PrintOptions &o) : m_(m), o_(o) {}
  std::string run();
  void op(const Op &op, unsigned indent, bool regions);
  std::string take() { return std::move(out_); }

private:
  std::string value(ValueId v) { return "%" + std::to_string(v); }
  std::string valueType(ValueId v) {
    return v < m_.valueTypes.size() && m_.valueTypes[v] < m_.types.size() ? typeText(m_, m_.typeOf(v)) : "?";
  }
  void args(const std::vector<ValueId> &vs);
  void loc(LocId id);
  void attribute(const Op &op, const Attr &a);
  void region(const Region &r, unsigned indent, bool isBody);
  void function(const Function &f);
  void layout(size_t id);

  const Module &m_;
  PrintOptions o_;
  std::string out_;
};

void Printer::args(const std::vector<ValueId> &vs) {
  out_ += "(";
  for (size_t i = 0; i < vs.size(); ++i)
    out_ += (i ? ", " : "") + value(vs[i]) + ": " + valueType(vs[i]);
  out_ += ")";
}

void Printer::loc(LocId id) {
  if (!o_.locations || id >= m_.locs.size())
    return;
  out_ += " loc(";
  unsigned n = 0;
  for (; id < m_.locs.size() && n < kMaxCallers; id = m_.locs[id].caller, ++n) {
    const Loc &l = m_.locs[id];
    if (n)
      out_ += " at ";
    if (l.file < m_.files.size())
      quote(out_, m_.files[l.file]);
    else
      out_ += "?";
    out_ += ":" + std::to_string(l.line) + ":" + std::to_string(l.column);
  }
  out_ += ")";
}

void Printer::attribute(const Op &op, const Attr &a) {
  const AttrInfo *info = attrInfo(a.id);
  out_ += info ? std::string(info->name) : "#" + std::to_string(static_cast<unsigned>(a.id));
  out_ += " = ";
  if (auto *i = std::get_if<int64_t>(&a.value)) {
    auto names = enumNames(op.code, a.id);
    if (*i >= 0 && *i < static_cast<int64_t>(names.size()))
      out_ += names[*i];
    else if (info && info->kind == AttrKind::Elem && *i >= 0 && *i < 256 && elemBits(static_cast<Elem>(*i)))
      out_ += elemName(static_cast<Elem>(*i));
    else
      out_ += std::to_string(*i);
  } else if (auto *f = std::get_if<double>(&a.value)) {
    out_ += floatText(*f);
  } else if (auto *s = std::get_if<std::string>(&a.value)) {
    quote(out_, *s);
  } else {
    out_ += listText(std::get<std::vector<int64_t>>(a.value));
  }
}

void Printer::op(const Op &op, unsigned indent, bool regions) {
  const OpInfo *info = opInfo(op.code);
  for (size_t i = 0; i < op.results.size(); ++i)
    out_ += (i ? ", " : "") + value(op.results[i]);
  out_ += op.results.empty() ? "" : " = ";
  out_ += info ? std::string(info->name) : "op" + std::to_string(static_cast<unsigned>(op.code));
  for (size_t i = 0; i < op.operands.size(); ++i)
    out_ += (i ? ", " : " ") + value(op.operands[i]);
  if (!op.attrs.empty()) {
    out_ += " {";
    for (size_t i = 0; i < op.attrs.size(); ++i) {
      out_ += i ? ", " : "";
      attribute(op, op.attrs[i]);
    }
    out_ += "}";
  }
  for (size_t i = 0; i < op.results.size(); ++i)
    out_ += (i ? ", " : " : ") + valueType(op.results[i]);
  if (regions)
    for (const Region &r : op.regions) {
      out_ += " {\n";
      region(r, indent + 2, false);
      out_ += std::string(indent, ' ') + "}";
    }
  loc(op.loc);
}

void Printer::region(const Region &r, unsigned indent, bool isBody) {
  if (!isBody && !r.args.empty()) {
    out_ += std::string(indent, ' ');
    args(r.args);
    out_ += "\n";
  }
  for (const Op &o : r.ops) {
    out_ += std::string(indent, ' ');
    op(o, indent, true);
    out_ += "\n";
  }
}

void Printer::function(const Function &f) {
  out_ += "kernel @";
  quote(out_, f.name);
  out_ += "(";
  for (size_t i = 0; i < f.params.size(); ++i) {
    const Param &p = f.params[i];
    out_ += (i ? ", " : "") + value(p.value) + ": " + valueType(p.value) + " {name = ";
    quote(out_, p.name);
    if (p.divisibility != 1)
      out_ += ", divisibility = " + std::to_string(p.divisibility);
    out_ += p.readOnly ? ", readonly" : "";
    out_ += p.isUnsigned ? ", unsigned" : "";
    out_ += "}";
  }
  out_ += ") {\n";
  region(f.body, 2, true);
  out_ += "}";
  loc(f.loc);
  out_ += "\n";
}

void Printer::layout(size_t id) {
  const LayoutData &l = m_.layouts[id];
  out_ += "layout #" + std::to_string(id) + " sizes " + listText(l.outSizes) + " {";
  for (size_t d = 0; d < l.inDims.size() && d < l.bases.size(); ++d) {
    out_ += d ? ", " : "";
    quote(out_, l.inDims[d]);
    out_ += " = [";
    for (size_t b = 0; b < l.bases[d].size(); ++b)
      out_ += (b ? ", " : "") + listText(std::vector<int64_t>(l.bases[d][b].begin(), l.bases[d][b].end()));
    out_ += "]";
  }
  out_ += "}\n";
}

std::string Printer::run() {
  if (m_.level == Level::Layout)
    out_ += "level layout\n";
  if (!m_.producer.empty()) {
    out_ += "producer ";
    quote(out_, m_.producer);
    out_ += "\n";
  }
  for (const auto &[name, v] : m_.options) {
    out_ += "option ";
    quote(out_, name);
    out_ += " = " + std::to_string(v) + "\n";
  }
  for (size_t i = 0; i < m_.layouts.size(); ++i)
    layout(i);
  for (const Function &f : m_.functions)
    function(f);
  return take();
}
} // namespace

std::string typeText(const Module &module, const Type &t) {
  std::string elem(elemName(t.elem));
  if (t.pointer)
    elem = "ptr<" + elem + (t.addressSpace == 1 ? "" : ", " + std::to_string(t.addressSpace)) + ">";
  if (t.kind == Type::Scalar)
    return elem;
  std::string s = t.kind == Type::Tensor ? "tensor<" : "shared<";
  for (int64_t d : t.shape)
    s += std::to_string(d) + "x";
  s += elem;
  if (t.layout != kNone)
    s += ", #" + std::to_string(t.layout);
  return s + ">";
}

std::string print(const Module &module, const PrintOptions &options) { return Printer(module, options).run(); }

std::string printOp(const Module &module, const Op &op) {
  Printer p(module, {});
  p.op(op, 0, false);
  return p.take();
}

} // namespace tessera::tbc
