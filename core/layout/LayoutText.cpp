// LayoutText.cpp - linear layouts as text, both ways
//
// SPDX-License-Identifier: Apache-2.0
#include "core/layout/LinearLayout.h"

#include <cctype>

namespace tessera::layout {

std::string printLayout(const LinearLayout &layout) {
  std::string text;
  for (const Dim &in : layout.ins()) {
    text += (text.empty() ? "" : ", ") + in.name + " = [";
    for (unsigned bit = 0; bit < in.bits; ++bit) {
      text += bit ? ", [" : "[";
      std::vector<int32_t> basis = layout.basis(in.name, bit);
      for (size_t d = 0; d < basis.size(); ++d)
        text += (d ? ", " : "") + std::to_string(basis[d]);
      text += "]";
    }
    text += "]";
  }
  text += text.empty() ? "-> [" : " -> [";
  for (unsigned i = 0; i < layout.rank(); ++i) {
    const Dim &out = layout.outs()[i];
    text += i ? ", " : "";
    if (out.name != tensorDimName(i))
      text += out.name + ": ";
    text += std::to_string(out.size());
  }
  return text + "]";
}

namespace {

// A cursor over the text; every `take…` skips spaces first.
struct Cursor {
  std::string_view rest;

  void skipSpaces() {
    while (!rest.empty() && std::isspace(static_cast<unsigned char>(rest.front())))
      rest.remove_prefix(1);
  }
  bool take(std::string_view token) {
    skipSpaces();
    if (!rest.starts_with(token))
      return false;
    rest.remove_prefix(token.size());
    return true;
  }
  std::string takeName() {
    skipSpaces();
    size_t n = 0;
    while (n < rest.size() && (std::isalnum(static_cast<unsigned char>(rest[n])) || rest[n] == '_') &&
           !(n == 0 && std::isdigit(static_cast<unsigned char>(rest[n]))))
      ++n;
    std::string name(rest.substr(0, n));
    rest.remove_prefix(n);
    return name;
  }
  std::optional<int64_t> takeNumber() {
    skipSpaces();
    size_t n = 0;
    int64_t value = 0;
    while (n < rest.size() && n < 18 && std::isdigit(static_cast<unsigned char>(rest[n])))
      value = value * 10 + (rest[n++] - '0');
    if (!n)
      return std::nullopt;
    rest.remove_prefix(n);
    return value;
  }
};

} // namespace

static bool parseBasis(Cursor &at, std::vector<int32_t> &basis) {
  if (!at.take("["))
    return false;
  if (at.take("]"))
    return true;
  do {
    std::optional<int64_t> value = at.takeNumber();
    if (!value || *value > INT32_MAX)
      return false;
    basis.push_back(static_cast<int32_t>(*value));
  } while (at.take(","));
  return at.take("]");
}

static bool parseInput(Cursor &at, std::vector<std::string> &names,
                       std::vector<std::vector<std::vector<int32_t>>> &bases) {
  names.push_back(at.takeName());
  bases.emplace_back();
  if (names.back().empty() || !at.take("=") || !at.take("["))
    return false;
  if (at.take("]"))
    return true;
  do {
    bases.back().emplace_back();
    if (!parseBasis(at, bases.back().back()))
      return false;
  } while (at.take(","));
  return at.take("]");
}

std::optional<LinearLayout> parseLayout(std::string_view text, std::string *why) {
  Cursor at{text};
  auto fail = [&](std::string_view expected) {
    if (why)
      *why = "expected " + std::string(expected) + " at '" + std::string(at.rest.substr(0, 20)) + "' of a layout";
    return std::nullopt;
  };
  std::vector<std::string> inNames, outNames;
  std::vector<std::vector<std::vector<int32_t>>> bases;
  if (!at.take("->")) {
    do {
      if (!parseInput(at, inNames, bases))
        return fail("`name = [[…], …]`");
    } while (at.take(","));
    if (!at.take("->"))
      return fail("`->`");
  }
  if (!at.take("["))
    return fail("`[`");
  std::vector<int64_t> sizes;
  if (!at.take("]")) {
    do {
      std::string name = at.takeName();
      if (!name.empty() && !at.take(":"))
        return fail("`:`");
      std::optional<int64_t> size = at.takeNumber();
      if (!size)
        return fail("a size");
      outNames.push_back(name.empty() ? tensorDimName(static_cast<unsigned>(sizes.size())) : name);
      sizes.push_back(*size);
    } while (at.take(","));
    if (!at.take("]"))
      return fail("`]`");
  }
  at.skipSpaces();
  if (!at.rest.empty())
    return fail("the end");
  std::optional<LinearLayout> layout = LinearLayout::fromBases(inNames, sizes, bases, why);
  if (!layout)
    return std::nullopt;
  std::vector<Dim> outs = layout->outs();
  for (size_t i = 0; i < outs.size(); ++i) {
    outs[i].name = outNames[i];
    for (size_t j = 0; j < i; ++j)
      if (outs[j].name == outs[i].name)
        return fail("distinct output names");
  }
  return LinearLayout(layout->ins(), std::move(outs), layout->columns());
}

} // namespace tessera::layout
