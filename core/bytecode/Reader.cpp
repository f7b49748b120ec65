// Reader.cpp - portable bytecode to a module; any bytes are safe
// SPDX-License-Identifier: Apache-2.0
#include "core/bytecode/Reader.h"

#include "core/bytecode/Encoding.h"
#include "core/bytecode/Verifier.h"

#include <cstring>
#include <map>

namespace tessera::tbc {

namespace {
struct SectionBytes {
  std::span<const uint8_t> payload;
  uint64_t offset = 0;
  bool present = false;
};

class Reader {
public:
  ReadResult run(std::span<const uint8_t> bytes);

private:
  bool failAt(uint64_t offset, std::string message) {
    if (error_.empty()) {
      error_ = std::move(message);
      offset_ = offset;
    }
    return false;
  }
  bool directory(std::span<const uint8_t> bytes);
  // Runs `parse` over a section, and asks that it use all of it.
  template <class F> bool section(Section id, const char *name, bool required, F &&parse);

  void strings(ByteReader &r);
  void files(ByteReader &r);
  void locations(ByteReader &r);
  void layouts(ByteReader &r);
  void types(ByteReader &r);
  bool checkTypes();
  void functions(ByteReader &r);
  void options(ByteReader &r);
  LocId loc(ByteReader &r);
  // A string by its number. Copies are counted: one long string, named by many ops, must not outgrow the input.
  const std::string &string(ByteReader &r) {
    static const std::string empty;
    uint32_t i = r.below(strings_.size(), "string");
    if (r.failed())
      return empty;
    if (strings_[i].size() > copyBudget_) {
      r.fail("strings are repeated too often");
      return empty;
    }
    copyBudget_ -= strings_[i].size();
    return strings_[i];
  }
  ValueId define(TypeId t) {
    m_.valueTypes.push_back(t);
    return static_cast<ValueId>(m_.valueTypes.size() - 1);
  }
  void attribute(ByteReader &r, Op &op);
  void op(ByteReader &r, Op &op, unsigned depth);
  void region(ByteReader &r, Region &region, unsigned depth);

  Module m_;
  std::string error_;
  uint64_t offset_ = 0;
  uint64_t copyBudget_ = 0;
  std::map<uint16_t, SectionBytes> sections_;
  std::vector<std::string> strings_;
  std::vector<uint64_t> typeOffsets_; // by TypeId: where the type stands in the bytes
};

bool Reader::directory(std::span<const uint8_t> bytes) {
  ByteReader r(bytes);
  auto magic = r.raw(4);
  if (r.failed() || std::memcmp(magic.data(), kMagic, 4) != 0)
    return failAt(0, "not Tessera bytecode (the first four bytes are not TBC\\x1a)");
  uint64_t major = r.fixed(2), minor = r.fixed(2), count = r.fixed(4);
  if (!r.failed() && major != kMajor)
    return failAt(4, "bytecode version " + std::to_string(major) + "." + std::to_string(minor) +
                         ": this reader takes major " + std::to_string(kMajor));
  for (uint64_t i = 0; i < count && !r.failed(); ++i) {
    uint64_t start = r.offset();
    auto id = static_cast<uint16_t>(r.fixed(2));
    auto flags = static_cast<uint16_t>(r.fixed(2));
    uint64_t alignment = r.fixed(4), length = r.fixed(8);
    if (!r.failed() && (alignment == 0 || alignment > kMaxAlignment || (alignment & (alignment - 1))))
      return failAt(start + 4, "section " + std::to_string(id) + ": alignment " + std::to_string(alignment) +
                                   " is not a power of two up to " + std::to_string(kMaxAlignment));
    while (!r.failed() && r.offset() % alignment)
      if (r.u8() != 0)
        r.failAt(r.offset() - 1, "padding that is not zero");
    uint64_t at = r.offset();
    auto payload = r.raw(length);
    if (r.failed())
      break;
    if (id < 1 || id > static_cast<uint16_t>(Section::Options)) {
      if (!(flags & kSkippable))
        return failAt(start, "unknown section " + std::to_string(id) +
                                 ", which may not be skipped (written as version " + std::to_string(major) + "." +
                                 std::to_string(minor) + ", this reader knows " + std::to_string(kMajor) + "." +
                                 std::to_string(kMinor) + ")");
      continue;
    }
    SectionBytes &s = sections_[id];
    if (s.present)
      return failAt(start, "section " + std::to_string(id) + " appears twice");
    s = {payload, at, true};
  }
  if (r.failed())
    return failAt(r.errorOffset(), r.error());
  if (r.remaining())
    return failAt(r.offset(), "bytes after the last section");
  return true;
}

template <class F> bool Reader::section(Section id, const char *name, bool required, F &&parse) {
  auto it = sections_.find(static_cast<uint16_t>(id));
  if (it == sections_.end())
    return required ? failAt(0, std::string("the section of ") + name + " is missing") : true;
  ByteReader r(it->second.payload, it->second.offset);
  parse(r);
  if (!r.failed() && r.remaining())
    r.fail("bytes left over");
  return r.failed() ? failAt(r.errorOffset(), std::string(name) + ": " + r.error()) : true;
}

void Reader::strings(ByteReader &r) {
  size_t n = r.count(1, "strings");
  for (size_t i = 0; i < n && !r.failed(); ++i) {
    auto s = r.raw(r.varint());
    strings_.emplace_back(s.begin(), s.end());
  }
}

void Reader::files(ByteReader &r) {
  size_t n = r.count(1, "files");
  for (size_t i = 0; i < n && !r.failed(); ++i)
    m_.files.push_back(string(r));
}

void Reader::locations(ByteReader &r) {
  size_t n = r.count(4, "locations");
  auto number = [&](const char *what) {
    uint64_t v = r.varint();
    if (v > 0xffffffff)
      r.fail(std::string(what) + " of more than 32 bits");
    return static_cast<uint32_t>(v);
  };
  for (size_t i = 0; i < n && !r.failed(); ++i) {
    Loc l;
    l.file = r.below(m_.files.size() + 1, "file") - 1;
    l.line = number("line");
    l.column = number("column");
    l.caller = r.below(i + 1, "caller") - 1;
    m_.locs.push_back(l);
  }
}

void Reader::layouts(ByteReader &r) {
  size_t n = r.count(2, "layouts");
  for (size_t i = 0; i < n && !r.failed(); ++i) {
    uint64_t start = r.offset();
    LayoutData l;
    uint32_t ins = r.below(kMaxRank + 1, "number of input dims"), outs = r.below(kMaxRank + 1, "number of output dims");
    for (uint32_t d = 0; d < outs && !r.failed(); ++d) {
      l.outSizes.push_back(r.zigzag());
      if (l.outSizes.back() < 1 || l.outSizes.back() > kMaxElements)
        r.fail("size of a layout's dim out of range");
    }
    for (uint32_t d = 0; d < ins && !r.failed(); ++d) {
      l.inDims.push_back(string(r));
      uint32_t bits = r.below(33, "number of bits");
      std::vector<std::vector<int32_t>> bases;
      for (uint32_t b = 0; b < bits && !r.failed(); ++b) {
        std::vector<int32_t> basis;
        for (uint32_t o = 0; o < outs && !r.failed(); ++o) {
          int64_t v = r.zigzag();
          if (v < 0 || v > INT32_MAX)
            r.fail("basis of a layout out of range");
          basis.push_back(static_cast<int32_t>(v));
        }
        bases.push_back(std::move(basis));
      }
      l.bases.push_back(std::move(bases));
    }
    if (std::string e = r.failed() ? "" : layoutError(l); !e.empty())
      r.failAt(start, "layout " + std::to_string(i) + ": " + e);
    m_.layouts.push_back(std::move(l));
  }
}

void Reader::types(ByteReader &r) {
  size_t n = r.count(4, "types");
  for (size_t i = 0; i < n && !r.failed(); ++i) {
    uint64_t start = r.offset();
    Type t;
    uint8_t kind = r.u8(), flags = r.u8(), elem = r.u8();
    t.addressSpace = r.u8();
    if (kind > Type::Shared || flags > 3)
      r.failAt(start, "unknown kind of type");
    if (!r.failed() && elemBits(static_cast<Elem>(elem)) == 0)
      r.failAt(start + 2, "unknown element type " + std::to_string(elem));
    t.kind = static_cast<Type::Kind>(kind);
    t.pointer = flags & 1;
    t.elem = static_cast<Elem>(elem);
    if (t.kind != Type::Scalar) {
      uint32_t rank = r.below(kMaxRank + 1, "rank");
      int64_t elements = 1;
      for (uint32_t d = 0; d < rank && !r.failed(); ++d) {
        uint64_t extent = r.varint();
        if (!r.failed() && (extent == 0 || extent > static_cast<uint64_t>(kMaxElements / elements)))
          r.fail("tensor with an extent of zero or more than " + std::to_string(kMaxElements) + " elements");
        if (r.failed())
          break;
        elements *= static_cast<int64_t>(extent);
        t.shape.push_back(static_cast<int64_t>(extent));
      }
      if (!rank)
        r.failAt(start, "tensor of rank 0");
    }
    if (flags & 2)
      t.layout = r.below(m_.layouts.size(), "layout");
    m_.types.push_back(std::move(t));
    typeOffsets_.push_back(start);
  }
}

// What a type may be depends on the level, which stands with the functions.
bool Reader::checkTypes() {
  for (size_t i = 0; i < m_.types.size(); ++i)
    if (std::string e = typeError(m_, m_.types[i]); !e.empty())
      return failAt(typeOffsets_[i], "types: type " + std::to_string(i) + ": " + e);
  return true;
}

LocId Reader::loc(ByteReader &r) {
  uint64_t start = r.offset(), v = r.varint();
  // Without the skippable section of locations there are none; the numbers that ops carry then mean nothing.
  if (v == 0 || !sections_.count(static_cast<uint16_t>(Section::Locations)))
    return kNone;
  if (v > m_.locs.size())
    r.failAt(start, "location " + std::to_string(v - 1) + " is out of range");
  return static_cast<LocId>(v - 1);
}

void Reader::attribute(ByteReader &r, Op &op) {
  uint64_t start = r.offset(), id = r.varint();
  uint8_t kind = r.u8();
  const AttrInfo *info = id <= 0xffff ? attrInfo(static_cast<AttrId>(id)) : nullptr;
  if (!info)
    return r.failAt(start, "attribute " + std::to_string(id) + " is unknown to this reader (" + std::to_string(kMajor) +
                               "." + std::to_string(kMinor) + ")");
  if (kind != static_cast<uint8_t>(info->kind))
    return r.failAt(start, "attribute `" + std::string(info->name) + "` has a value of the wrong kind");
  Attr a{info->id, int64_t(0)};
  switch (info->kind) {
  case AttrKind::Int:
  case AttrKind::Elem:
    a.value = r.zigzag();
    break;
  case AttrKind::Float:
    a.value = r.f64();
    break;
  case AttrKind::Str:
    a.value = string(r);
    break;
  case AttrKind::Ints: {
    std::vector<int64_t> v(r.count(1, "integers"));
    for (int64_t &i : v)
      i = r.zigzag();
    a.value = std::move(v);
    break;
  }
  }
  op.attrs.push_back(std::move(a));
}

void Reader::op(ByteReader &r, Op &op, unsigned depth) {
  uint64_t start = r.offset(), code = r.varint();
  const OpInfo *info = code <= 0xffff ? opInfo(static_cast<Opcode>(code)) : nullptr;
  if (r.failed())
    return;
  if (!info)
    return r.failAt(start, "opcode " + std::to_string(code) + " is unknown to this reader (" + std::to_string(kMajor) +
                               "." + std::to_string(kMinor) + ")");
  op.code = info->code;
  op.loc = loc(r);
  size_t operands = r.count(1, "operands");
  for (size_t i = 0; i < operands && !r.failed(); ++i)
    op.operands.push_back(r.below(m_.valueTypes.size(), "value"));
  std::vector<TypeId> resultTypes;
  size_t results = r.count(1, "results");
  for (size_t i = 0; i < results && !r.failed(); ++i)
    resultTypes.push_back(r.below(m_.types.size(), "type"));
  size_t attrs = r.count(3, "attributes");
  for (size_t i = 0; i < attrs && !r.failed(); ++i)
    attribute(r, op);
  size_t regions = r.count(2, "regions");
  for (size_t i = 0; i < regions && !r.failed(); ++i)
    region(r, op.regions.emplace_back(), depth + 1);
  for (TypeId t : resultTypes)
    op.results.push_back(define(t));
}

void Reader::region(ByteReader &r, Region &region, unsigned depth) {
  if (depth > kMaxDepth)
    return r.fail("regions nest deeper than " + std::to_string(kMaxDepth));
  size_t args = r.count(1, "arguments");
  for (size_t i = 0; i < args && !r.failed(); ++i) {
    TypeId t = r.below(m_.types.size(), "type");
    if (!r.failed())
      region.args.push_back(define(t));
  }
  size_t ops = r.count(6, "ops");
  for (size_t i = 0; i < ops && !r.failed(); ++i)
    op(r, region.ops.emplace_back(), depth);
}

void Reader::functions(ByteReader &r) {
  uint8_t level = r.u8();
  if (level > static_cast<uint8_t>(Level::Layout))
    return r.fail("unknown level");
  m_.level = static_cast<Level>(level);
  size_t n = r.count(5, "functions");
  for (size_t i = 0; i < n && !r.failed(); ++i) {
    Function &f = m_.functions.emplace_back();
    f.name = string(r);
    f.loc = loc(r);
    size_t params = r.count(3, "parameters");
    for (size_t p = 0; p < params && !r.failed(); ++p) {
      Param &param = f.params.emplace_back();
      param.name = string(r);
      param.divisibility = r.zigzag();
      uint8_t flags = r.u8();
      param.readOnly = flags & 1;
      param.isUnsigned = flags & 2;
      if (param.divisibility < 1 || flags > 3)
        r.fail("parameter with a divisibility below 1 or unknown flags");
    }
    region(r, f.body, 0);
    if (!r.failed() && f.body.args.size() != f.params.size())
      r.fail("kernel `" + f.name + "`: parameters and arguments of the body differ in number");
    for (size_t p = 0; p < f.params.size() && !r.failed(); ++p)
      f.params[p].value = f.body.args[p];
  }
}

void Reader::options(ByteReader &r) {
  size_t n = r.count(2, "options");
  for (size_t i = 0; i < n && !r.failed(); ++i) {
    const std::string &name = string(r);
    int64_t value = r.zigzag();
    m_.options.emplace_back(name, value);
  }
}

ReadResult Reader::run(std::span<const uint8_t> bytes) {
  copyBudget_ = (uint64_t(16) << 20) + 16 * bytes.size();
  auto producer = [&](ByteReader &r) {
    auto s = r.raw(r.remaining());
    m_.producer.assign(s.begin(), s.end());
  };
  bool ok = directory(bytes) && section(Section::Producer, "producer", false, producer) &&
            section(Section::Strings, "strings", true, [&](ByteReader &r) { strings(r); }) &&
            section(Section::Files, "files", false, [&](ByteReader &r) { files(r); }) &&
            section(Section::Locations, "locations", false, [&](ByteReader &r) { locations(r); }) &&
            section(Section::Layouts, "layouts", false, [&](ByteReader &r) { layouts(r); }) &&
            section(Section::Types, "types", true, [&](ByteReader &r) { types(r); }) &&
            section(Section::Functions, "functions", true, [&](ByteReader &r) { functions(r); }) && checkTypes() &&
            section(Section::Options, "options", false, [&](ByteReader &r) { options(r); });
  ReadResult result;
  if (ok)
    result.module = std::move(m_);
  result.error = error_;
  result.offset = offset_;
  return result;
}
} // namespace

ReadResult readModule(std::span<const uint8_t> bytes) { return Reader().run(bytes); }

} // namespace tessera::tbc
