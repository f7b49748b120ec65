// Literals.cpp - escapes, and Python's repr
// SPDX-License-Identifier: Apache-2.0
#include "frontends/python/syntax/Literals.h"

#include "frontends/python/syntax/Unicode.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <utility>

namespace tessera::py {

namespace {
int hexValue(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct BodyReader {
  std::string_view body;
  bool isBytes;
  std::string &out;
  EscapeProblem &problem;
  size_t i = 0;

  bool fail(std::string message, size_t from) {
    problem = {std::move(message), static_cast<uint32_t>(from), static_cast<uint32_t>(std::min(body.size(), i) - from)};
    return false;
  }
  void put(uint32_t c) {
    if (isBytes)
      out += static_cast<char>(c);
    else
      appendUtf8(out, c);
  }
  bool hex(size_t from, unsigned count, const char *what) {
    uint32_t v = 0;
    for (unsigned k = 0; k < count; ++k, ++i) {
      int d = i < body.size() ? hexValue(body[i]) : -1;
      if (d < 0)
        return fail(std::string(what) + " needs " + std::to_string(count) + " hexadecimal digits", from);
      v = v * 16 + static_cast<uint32_t>(d);
    }
    if (v > 0x10FFFF)
      return fail("this is beyond the last character, \\U0010ffff", from);
    put(v);
    return true;
  }
  // At a backslash.
  bool escape() {
    size_t from = i++;
    if (i >= body.size()) {
      out += '\\';
      return true;
    }
    char c = body[i++];
    switch (c) {
    case '\r':
      if (i < body.size() && body[i] == '\n')
        ++i;
      return true;
    case '\n':
      return true;
    case '\\':
      out += '\\';
      return true;
    case '\'':
      out += '\'';
      return true;
    case '"':
      out += '"';
      return true;
    case 'a':
      out += '\a';
      return true;
    case 'b':
      out += '\b';
      return true;
    case 'f':
      out += '\f';
      return true;
    case 'n':
      out += '\n';
      return true;
    case 'r':
      out += '\r';
      return true;
    case 't':
      out += '\t';
      return true;
    case 'v':
      out += '\v';
      return true;
    case 'x':
      return hex(from, 2, "\\x");
    case 'u':
      if (!isBytes)
        return hex(from, 4, "\\u");
      break;
    case 'U':
      if (!isBytes)
        return hex(from, 8, "\\U");
      break;
    case 'N':
      if (!isBytes) {
        size_t close = i < body.size() && body[i] == '{' ? body.find('}', i) : std::string_view::npos;
        if (close == std::string_view::npos)
          return fail("\\N needs a name in braces", from);
        std::string_view name = body.substr(i + 1, close - i - 1);
        i = close + 1;
        uint32_t v = namedCharacter(name);
        if (!v)
          return fail("the character name '" + std::string(name) + "' is unknown; write it as \\u and four digits",
                      from);
        put(v);
        return true;
      }
      break;
    default:
      if (c >= '0' && c <= '7') {
        uint32_t v = static_cast<uint32_t>(c - '0');
        for (int k = 0; k < 2 && i < body.size() && body[i] >= '0' && body[i] <= '7'; ++k, ++i)
          v = v * 8 + static_cast<uint32_t>(body[i] - '0');
        put(v);
        return true;
      }
    }
    out += '\\'; // not an escape: both characters stay
    --i;
    return true;
  }
};
} // namespace

void appendUtf8(std::string &out, uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

uint32_t readUtf8(std::string_view s, size_t &i) {
  auto b = [&](size_t k) { return k < s.size() ? static_cast<unsigned char>(s[k]) : 0u; };
  uint32_t c = b(i);
  unsigned extra = c < 0x80 ? 0 : c >= 0xF0 && c < 0xF8 ? 3 : c >= 0xE0 && c < 0xF0 ? 2 : c >= 0xC0 && c < 0xE0 ? 1 : 9;
  if (extra == 9) {
    ++i;
    return 0xDC00 + c;
  }
  uint32_t v = extra == 0 ? c : c & (0x3Fu >> extra);
  for (unsigned k = 1; k <= extra; ++k) {
    if ((b(i + k) & 0xC0) != 0x80) {
      ++i;
      return 0xDC00 + c;
    }
    v = v << 6 | (b(i + k) & 0x3F);
  }
  i += extra + 1;
  return v;
}

bool decodeStringBody(std::string_view body, bool isRaw, bool isBytes, bool isFString, std::string &out,
                      EscapeProblem &problem) {
  BodyReader r{body, isBytes, out, problem};
  while (r.i < body.size()) {
    char c = body[r.i];
    if (c == '\\' && !isRaw) {
      if (!r.escape())
        return false;
    } else if (c == '\r') {
      out += '\n';
      r.i += r.i + 1 < body.size() && body[r.i + 1] == '\n' ? 2 : 1;
    } else if (isFString && (c == '{' || c == '}') && r.i + 1 < body.size() && body[r.i + 1] == c) {
      out += c;
      r.i += 2;
    } else {
      if (isBytes && static_cast<signed char>(c) < 0) {
        ++r.i;
        return r.fail("bytes hold only ASCII characters literally; write \\x and two digits", r.i - 1);
      }
      out += c;
      ++r.i;
    }
  }
  return true;
}

std::string floatRepr(double v) {
  if (std::isnan(v))
    return "nan";
  if (std::isinf(v))
    return v < 0 ? "-inf" : "inf";
  char buf[64];
  // Python: shortest digits; an exponent below 1e-4 and from 1e16 on.
  double a = std::fabs(v);
  bool scientific = a != 0 && (a < 1e-4 || a >= 1e16);
  auto r =
      std::to_chars(buf, buf + sizeof buf, v, scientific ? std::chars_format::scientific : std::chars_format::fixed);
  std::string s(buf, r.ptr);
  if (!scientific && s.find('.') == std::string::npos)
    s += ".0";
  return s;
}

std::string imaginaryRepr(double v) {
  std::string s = floatRepr(v);
  if (s.size() > 2 && s.compare(s.size() - 2, 2, ".0") == 0)
    s.resize(s.size() - 2);
  return s + "j";
}

std::string stringRepr(std::string_view s) {
  char quote = s.find('\'') != std::string_view::npos && s.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out(1, quote);
  char buf[16];
  for (size_t i = 0; i < s.size();) {
    uint32_t c = readUtf8(s, i);
    if (c == static_cast<uint32_t>(quote) || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (isPrintable(c)) {
      appendUtf8(out, c);
    } else {
      std::snprintf(buf, sizeof buf, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
      out += buf;
    }
  }
  return out + quote;
}

std::string bytesRepr(std::string_view s) {
  char quote = s.find('\'') != std::string_view::npos && s.find('"') == std::string_view::npos ? '"' : '\'';
  std::string out = "b";
  out += quote;
  char buf[8];
  for (char ch : s) {
    auto c = static_cast<unsigned char>(ch);
    if (ch == quote || ch == '\\') {
      out += '\\';
      out += ch;
    } else if (ch == '\n') {
      out += "\\n";
    } else if (ch == '\r') {
      out += "\\r";
    } else if (ch == '\t') {
      out += "\\t";
    } else if (c >= 0x20 && c < 0x7F) {
      out += ch;
    } else {
      std::snprintf(buf, sizeof buf, "\\x%02x", c);
      out += buf;
    }
  }
  return out + quote;
}

} // namespace tessera::py
