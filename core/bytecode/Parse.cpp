// Parse.cpp - text to a module; the form is described in Text.h
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/EnumNames.h"
#include "core/bytecode/Infer.h"
#include "core/bytecode/Text.h"
#include "core/bytecode/Verifier.h"
#include "core/bytecode/Wire.h"

#include <bit>
#include <charconv>
#include <map>

namespace tessera::tbc {

namespace {
// A recursive descent over characters. The first error sticks; everything after it falls through.
class Parser {
public:
  explicit Parser(std::string_view text) : text_(text) {}
  ParseResult run();

private:
  // Characters.
  bool failed() const { return !error_.empty(); }
  void fail(const std::string &message);
  void space();
  bool accept(std::string_view token); // punctuation
  void expect(std::string_view token);
  static bool wordChar(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  }
  std::string word(); // a bare word, or empty
  bool acceptWord(std::string_view w);
  bool atEnd() {
    space();
    return at_ >= text_.size();
  }
  bool peek(char c) {
    space();
    return at_ < text_.size() && text_[at_] == c;
  }
  std::string quoted();
  std::string name() { return peek('"') ? quoted() : word(); }
  int64_t integer();
  double number();
  std::vector<int64_t> integers();

  // Parts.
  Elem elem(std::string_view w);
  Type type();
  Type element();
  LocId loc();
  ValueId use();
  std::string valueName();
  ValueId define(const std::string &name, const Type &t);
  Attr attribute(Opcode code);
  void op(Region &r, unsigned depth);
  void region(Region &r, unsigned depth);
  void regionBody(Region &r, unsigned depth);
  void kernel();
  void layout();
  LocId internLoc(const Loc &l);
  uint32_t internFile(const std::string &name);

  std::string_view text_;
  size_t at_ = 0;
  std::string error_;
  Module m_;
  std::map<std::string, ValueId> values_;
  std::map<std::string, uint32_t> files_;
  std::map<std::tuple<uint32_t, uint32_t, uint32_t, uint32_t>, LocId> locs_;
};

void Parser::fail(const std::string &message) {
  if (failed())
    return;
  size_t line = 1, column = 1;
  for (size_t i = 0; i < at_ && i < text_.size(); ++i) {
    column = text_[i] == '\n' ? 1 : column + 1;
    line += text_[i] == '\n';
  }
  error_ = "line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + message;
}

void Parser::space() {
  while (at_ < text_.size()) {
    char c = text_[at_];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
      ++at_;
    else if (text_.substr(at_, 2) == "//")
      at_ = std::min(text_.find('\n', at_), text_.size());
    else
      return;
  }
}

bool Parser::accept(std::string_view token) {
  space();
  if (failed() || text_.substr(at_, token.size()) != token)
    return false;
  at_ += token.size();
  return true;
}

void Parser::expect(std::string_view token) {
  if (!accept(token))
    fail("expected `" + std::string(token) + "`");
}

std::string Parser::word() {
  space();
  size_t start = at_;
  while (!failed() && at_ < text_.size() && wordChar(text_[at_]))
    ++at_;
  return std::string(text_.substr(start, at_ - start));
}

bool Parser::acceptWord(std::string_view w) {
  space();
  size_t start = at_;
  if (word() == w)
    return true;
  at_ = start;
  return false;
}

std::string Parser::quoted() {
  std::string s;
  expect("\"");
  while (!failed() && at_ < text_.size() && text_[at_] != '"') {
    char c = text_[at_++];
    if (c == '\\' && at_ < text_.size()) {
      c = text_[at_++];
      unsigned v = 0;
      if (c == 'x' && at_ + 2 <= text_.size() &&
          std::from_chars(&text_[at_], &text_[at_] + 2, v, 16).ptr == &text_[at_] + 2) {
        c = static_cast<char>(v);
        at_ += 2;
      } else if (c == 'n') {
        c = '\n';
      }
    }
    s += c;
  }
  if (at_ < text_.size())
    ++at_;
  else
    fail("unterminated string");
  return s;
}

int64_t Parser::integer() {
  space();
  int64_t v = 0;
  auto [end, ec] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), v);
  if (ec != std::errc())
    fail("expected an integer");
  else
    at_ = static_cast<size_t>(end - text_.data());
  return v;
}

double Parser::number() {
  space();
  const char *end = text_.data() + text_.size();
  if (text_.substr(at_, 2) == "0f") {
    uint64_t bits = 0;
    auto r = std::from_chars(text_.data() + at_ + 2, end, bits, 16);
    if (r.ec != std::errc())
      fail("expected the bits of a double in hexadecimal");
    at_ = static_cast<size_t>(r.ptr - text_.data());
    return std::bit_cast<double>(bits);
  }
  double v = 0;
  auto r = std::from_chars(text_.data() + at_, end, v);
  if (r.ec != std::errc())
    fail("expected a number");
  else
    at_ = static_cast<size_t>(r.ptr - text_.data());
  return v;
}

std::vector<int64_t> Parser::integers() {
  std::vector<int64_t> v;
  expect("[");
  while (!failed() && !peek(']')) {
    v.push_back(integer());
    if (!accept(","))
      break;
  }
  expect("]");
  return v;
}

Elem Parser::elem(std::string_view w) {
#define TSR_ELEM(number, Name, text, bits, since)                                                                      \
  if (w == text)                                                                                                       \
    return Elem::Name;
#include "core/bytecode/Ops.def"
  fail("`" + std::string(w) + "` is no element type");
  return Elem::I32;
}

Type Parser::element() {
  Type t;
  if (acceptWord("ptr")) {
    t.pointer = true;
    expect("<");
    t.elem = elem(word());
    if (accept(","))
      t.addressSpace = static_cast<uint8_t>(integer());
    expect(">");
  } else {
    t.elem = elem(word());
  }
  return t;
}

Type Parser::type() {
  bool tensor = acceptWord("tensor"), shared = !tensor && acceptWord("shared");
  if (!tensor && !shared)
    return element();
  expect("<");
  std::vector<int64_t> shape;
  space();
  while (!failed() && at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
    shape.push_back(integer());
    expect("x");
  }
  Type t = element();
  t.kind = tensor ? Type::Tensor : Type::Shared;
  t.shape = std::move(shape);
  if (accept(",")) {
    expect("#");
    t.layout = static_cast<LayoutId>(integer());
    if (t.layout >= m_.layouts.size())
      fail("layout #" + std::to_string(t.layout) + " is not defined above");
  }
  expect(">");
  return t;
}

uint32_t Parser::internFile(const std::string &name) {
  auto [it, isNew] = files_.try_emplace(name, m_.files.size());
  if (isNew)
    m_.files.push_back(name);
  return it->second;
}

LocId Parser::internLoc(const Loc &l) {
  auto [it, isNew] = locs_.try_emplace({l.file, l.line, l.column, l.caller}, m_.locs.size());
  if (isNew)
    m_.locs.push_back(l);
  return it->second;
}

// loc("f":line:column at "g":line:column …): innermost first.
LocId Parser::loc() {
  if (!acceptWord("loc"))
    return kNone;
  std::vector<Loc> chain;
  expect("(");
  do {
    Loc l;
    if (!accept("?"))
      l.file = internFile(quoted());
    expect(":");
    l.line = static_cast<uint32_t>(integer());
    expect(":");
    l.column = static_cast<uint32_t>(integer());
    chain.push_back(l);
  } while (!failed() && acceptWord("at"));
  expect(")");
  LocId id = kNone;
  for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
    it->caller = id;
    id = internLoc(*it);
  }
  return id;
}

std::string Parser::valueName() {
  expect("%");
  std::string n = word();
  if (n.empty())
    fail("expected the name of a value");
  return n;
}

ValueId Parser::use() {
  std::string n = valueName();
  auto it = values_.find(n);
  if (it != values_.end())
    return it->second;
  fail("%" + n + " is not defined above");
  return 0;
}

ValueId Parser::define(const std::string &name, const Type &t) {
  ValueId v = m_.newValue(t);
  if (!values_.try_emplace(name, v).second)
    fail("%" + name + " is defined twice");
  return v;
}

Attr Parser::attribute(Opcode code) {
  std::string n = word();
  const AttrInfo *info = attrInfoByName(n);
  Attr a{AttrId::Value, int64_t(0)};
  if (!info) {
    fail("`" + n + "` is no attribute");
    return a;
  }
  a.id = info->id;
  expect("=");
  space();
  bool isNumber = at_ < text_.size() && (text_[at_] == '-' || (text_[at_] >= '0' && text_[at_] <= '9'));
  switch (info->kind) {
  case AttrKind::Int:
    if (isNumber) {
      a.value = integer();
    } else {
      std::string w = word();
      auto names = enumNames(code, a.id);
      size_t i = 0;
      while (i < names.size() && names[i] != w)
        ++i;
      if (i == names.size())
        fail("`" + w + "` is no value of `" + n + "`");
      a.value = static_cast<int64_t>(i);
    }
    break;
  case AttrKind::Elem:
    a.value = isNumber ? integer() : static_cast<int64_t>(elem(word()));
    break;
  case AttrKind::Float:
    a.value = number();
    break;
  case AttrKind::Str:
    a.value = quoted();
    break;
  case AttrKind::Ints:
    a.value = integers();
    break;
  }
  return a;
}

void Parser::op(Region &r, unsigned depth) {
  Op op;
  std::vector<std::string> results;
  if (peek('%')) {
    do
      results.push_back(valueName());
    while (accept(","));
    expect("=");
  }
  std::string n = word();
  const OpInfo *info = opInfoByName(n);
  if (!info)
    return fail("`" + n + "` is no op");
  op.code = info->code;
  // Operands start on the line of the op's name: an op without any may be followed by one with results.
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t'))
    ++at_;
  if (at_ < text_.size() && text_[at_] == '%') {
    do
      op.operands.push_back(use());
    while (accept(","));
  }
  // Attributes and a region both start with a brace; a region has ops, arguments or nothing inside, attributes `name =`.
  size_t mark = at_;
  if (accept("{")) {
    bool isAttrs = attrInfoByName(word()) != nullptr && accept("=");
    at_ = mark;
    if (isAttrs) {
      expect("{");
      do
        op.attrs.push_back(attribute(op.code));
      while (accept(","));
      expect("}");
    }
  }
  std::optional<std::vector<Type>> types;
  if (accept(":")) {
    types.emplace();
    do
      types->push_back(type());
    while (accept(","));
  }
  while (!failed() && peek('{'))
    region(op.regions.emplace_back(), depth + 1);
  op.loc = loc();
  if (!types && results.empty())
    types.emplace();
  if (!types && !failed())
    types = inferResults(m_, op);
  if (!types)
    return fail("the result types of `" + n + "` must be given");
  if (types->size() != results.size())
    return fail("`" + n + "` has " + std::to_string(types->size()) + " results, not " + std::to_string(results.size()));
  for (size_t i = 0; i < results.size(); ++i)
    op.results.push_back(define(results[i], (*types)[i]));
  r.ops.push_back(std::move(op));
}

void Parser::regionBody(Region &r, unsigned depth) {
  while (!failed() && !peek('}') && !atEnd())
    op(r, depth);
  expect("}");
}

void Parser::region(Region &r, unsigned depth) {
  if (depth > kMaxDepth)
    return fail("regions nest too deeply");
  expect("{");
  if (accept("(")) {
    while (!failed() && !peek(')')) {
      std::string n = valueName();
      expect(":");
      r.args.push_back(define(n, type()));
      if (!accept(","))
        break;
    }
    expect(")");
  }
  regionBody(r, depth);
}

void Parser::kernel() {
  Function f;
  values_.clear();
  expect("@");
  f.name = name();
  expect("(");
  while (!failed() && !peek(')')) {
    Param p;
    p.name = valueName();
    expect(":");
    p.value = define(p.name, type());
    if (accept("{")) {
      do {
        if (acceptWord("readonly"))
          p.readOnly = true;
        else if (acceptWord("unsigned"))
          p.isUnsigned = true;
        else if (acceptWord("divisibility") && accept("="))
          p.divisibility = integer();
        else if (acceptWord("name") && accept("="))
          p.name = quoted();
        else
          fail("expected divisibility, readonly, unsigned or name");
      } while (accept(","));
      expect("}");
    }
    f.body.args.push_back(p.value);
    f.params.push_back(std::move(p));
    if (!accept(","))
      break;
  }
  expect(")");
  expect("{");
  regionBody(f.body, 0);
  f.loc = loc();
  m_.functions.push_back(std::move(f));
}

void Parser::layout() {
  expect("#");
  if (integer() != static_cast<int64_t>(m_.layouts.size()))
    return fail("layouts are numbered from 0 in order");
  LayoutData l;
  if (!acceptWord("sizes"))
    return fail("expected `sizes`");
  l.outSizes = integers();
  expect("{");
  while (!failed() && !peek('}')) {
    l.inDims.push_back(name());
    expect("=");
    expect("[");
    auto &bases = l.bases.emplace_back();
    while (!failed() && peek('[')) {
      std::vector<int64_t> basis = integers();
      bases.emplace_back(basis.begin(), basis.end());
      if (!accept(","))
        break;
    }
    expect("]");
    if (!accept(","))
      break;
  }
  expect("}");
  if (std::string e = failed() ? "" : layoutError(l); !e.empty())
    fail("layout #" + std::to_string(m_.layouts.size()) + ": " + e);
  m_.layouts.push_back(std::move(l));
}

ParseResult Parser::run() {
  while (!failed() && !atEnd()) {
    if (acceptWord("kernel")) {
      kernel();
    } else if (acceptWord("level")) {
      std::string w = word();
      if (w != "tile" && w != "layout")
        fail("the level is tile or layout");
      m_.level = w == "layout" ? Level::Layout : Level::Tile;
    } else if (acceptWord("producer")) {
      m_.producer = quoted();
    } else if (acceptWord("option")) {
      std::string n = name();
      expect("=");
      m_.options.emplace_back(n, integer());
    } else if (acceptWord("layout")) {
      layout();
    } else {
      fail("expected kernel, level, producer, option or layout");
    }
  }
  ParseResult result;
  if (failed())
    result.error = error_;
  else
    result.module = std::move(m_);
  return result;
}
} // namespace

ParseResult parse(std::string_view text) { return Parser(text).run(); }

} // namespace tessera::tbc
