// Writer.cpp - a module to portable bytecode, in one walk over the functions
// SPDX-License-Identifier: Apache-2.0
//
// An op on the wire: opcode, location + 1, operands {count, values}, results {count, types}, attributes {count, {id, kind,
// payload}}, regions {count, {arguments {count, types}, ops {count, …}}}.
#include "core/bytecode/Writer.h"

#include "core/bytecode/Encoding.h"

#include <unordered_map>

namespace tessera::tbc {

namespace {
uint32_t opSince(Opcode code) {
  const OpInfo *info = opInfo(code);
  return info ? info->since : 0;
}
uint32_t attrSince(AttrId id) {
  const AttrInfo *info = attrInfo(id);
  return info ? info->since : 0;
}
uint32_t elemSince(Elem e) {
  switch (e) {
#define TSR_ELEM(number, Name, text, bits, since)                                                                      \
  case Elem::Name:                                                                                                     \
    return since;
#include "core/bytecode/Ops.def"
  }
  return 0;
}

bool atDefault(const Attr &a) {
  if (auto *i = std::get_if<int64_t>(&a.value))
    return *i == 0;
  if (auto *f = std::get_if<double>(&a.value))
    return std::bit_cast<uint64_t>(*f) == 0;
  if (auto *s = std::get_if<std::string>(&a.value))
    return s->empty();
  return std::get<std::vector<int64_t>>(a.value).empty();
}

std::string version(uint32_t minor) { return std::to_string(kMajor) + "." + std::to_string(minor); }

class Writer {
public:
  Writer(const Module &m, const WriteOptions &o)
      : m_(m), o_(o), valueNumber_(m.valueTypes.size(), kNone), typeNumber_(m.types.size(), kNone),
        layoutNumber_(m.layouts.size(), kNone), locNumber_(m.locs.size(), kNone) {}

  WriteResult run();

private:
  bool fail(std::string message) {
    if (error_.empty())
      error_ = std::move(message);
    return false;
  }
  std::string where() const;
  bool tooNew(std::string_view what, std::string_view name, uint32_t since) {
    return fail("bytecode writer: " + where() + " uses " + std::string(what) + " `" + std::string(name) +
                "`, which needs bytecode " + version(since) + "; the reader takes " + version(o_.minor));
  }

  uint32_t string(std::string_view s);
  uint32_t file(uint32_t f);
  uint32_t layout(LayoutId id);
  bool type(TypeId id, uint32_t &number);
  uint32_t loc(LocId id);
  bool define(ValueId v, ByteWriter &w);
  bool attribute(const Attr &a, ByteWriter &w);
  bool attributes(const Op &op, ByteWriter &w);
  bool op(const Op &op, ByteWriter &w, unsigned depth);
  bool region(const Region &r, ByteWriter &w, unsigned depth);
  bool function(const Function &f, ByteWriter &w);
  void section(ByteWriter &out, Section id, uint16_t flags, const ByteWriter &payload);

  const Module &m_;
  const WriteOptions &o_;
  std::string error_;
  const Function *function_ = nullptr;
  const Op *op_ = nullptr;

  std::vector<uint32_t> valueNumber_, typeNumber_, layoutNumber_, locNumber_;
  uint32_t nextValue_ = 0, nextType_ = 0, nextLayout_ = 0, nextLoc_ = 0, nextFile_ = 0, nextString_ = 0;
  std::unordered_map<std::string, uint32_t> stringNumber_, fileNumber_;
  ByteWriter strings_, files_, locs_, layouts_, types_;
};

std::string Writer::where() const {
  std::string s;
  if (op_) {
    const OpInfo *info = opInfo(op_->code);
    s = "op `" + (info ? std::string(info->name) : "#" + std::to_string(static_cast<unsigned>(op_->code))) + "`";
    if (op_->loc < m_.locs.size()) {
      const Loc &l = m_.locs[op_->loc];
      if (l.file < m_.files.size())
        s += " at " + m_.files[l.file] + ":" + std::to_string(l.line) + ":" + std::to_string(l.column);
    }
    s += " ";
  }
  if (function_)
    s += "in kernel `" + function_->name + "`";
  return s;
}

uint32_t Writer::string(std::string_view s) {
  auto [it, isNew] = stringNumber_.try_emplace(std::string(s), nextString_);
  if (isNew) {
    ++nextString_;
    strings_.varint(s.size());
    strings_.text(s);
  }
  return it->second;
}

uint32_t Writer::file(uint32_t f) {
  auto [it, isNew] = fileNumber_.try_emplace(m_.files[f], nextFile_);
  if (isNew) {
    ++nextFile_;
    files_.varint(string(m_.files[f]));
  }
  return it->second;
}

// Writes the chain of callers first, so that a caller is always an earlier location.
uint32_t Writer::loc(LocId id) {
  if (id == kNone || !o_.locations)
    return kNone;
  std::vector<LocId> chain;
  for (LocId at = id; at != kNone && (at >= m_.locs.size() || locNumber_[at] == kNone); at = m_.locs[at].caller) {
    if (at >= m_.locs.size() || chain.size() > kMaxCallers) {
      fail("bytecode writer: " + where() + " has a location out of range, or one that calls itself");
      return kNone;
    }
    chain.push_back(at);
  }
  for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
    const Loc &l = m_.locs[*it];
    if (l.file != kNone && l.file >= m_.files.size()) {
      fail("bytecode writer: " + where() + " has a location in a file out of range");
      return kNone;
    }
    locs_.varint(l.file == kNone ? 0 : file(l.file) + 1);
    locs_.varint(l.line);
    locs_.varint(l.column);
    locs_.varint(l.caller == kNone ? 0 : locNumber_[l.caller] + 1);
    locNumber_[*it] = nextLoc_++;
  }
  return locNumber_[id];
}

uint32_t Writer::layout(LayoutId id) {
  if (layoutNumber_[id] != kNone)
    return layoutNumber_[id];
  const LayoutData &l = m_.layouts[id];
  bool ok = l.inDims.size() == l.bases.size() && l.inDims.size() <= kMaxRank && l.outSizes.size() <= kMaxRank;
  for (const auto &dim : l.bases) {
    ok &= dim.size() <= 32;
    for (const auto &basis : dim)
      ok &= basis.size() == l.outSizes.size();
  }
  if (!ok) {
    fail("bytecode writer: layout " + std::to_string(id) + " is malformed (bases do not match its dims)");
    return 0;
  }
  layouts_.varint(l.inDims.size());
  layouts_.varint(l.outSizes.size());
  for (int64_t s : l.outSizes)
    layouts_.zigzag(s);
  for (size_t i = 0; i < l.inDims.size(); ++i) {
    layouts_.varint(string(l.inDims[i]));
    layouts_.varint(l.bases[i].size());
    for (const auto &basis : l.bases[i])
      for (int32_t b : basis)
        layouts_.zigzag(b);
  }
  return layoutNumber_[id] = nextLayout_++;
}

bool Writer::type(TypeId id, uint32_t &number) {
  if (id >= m_.types.size())
    return fail("bytecode writer: " + where() + " has a type out of range");
  number = typeNumber_[id];
  if (number != kNone)
    return true;
  const Type &t = m_.types[id];
  if (uint32_t since = o_.versions->elem(t.elem); since > o_.minor)
    return tooNew("element type", elemName(t.elem), since);
  if (t.layout != kNone && t.layout >= m_.layouts.size())
    return fail("bytecode writer: " + where() + " has a layout out of range");
  uint32_t l = t.layout == kNone ? 0 : layout(t.layout);
  types_.u8(t.kind);
  types_.u8(static_cast<uint8_t>((t.pointer ? 1 : 0) | (t.layout != kNone ? 2 : 0)));
  types_.u8(static_cast<uint8_t>(t.elem));
  types_.u8(t.addressSpace);
  if (t.kind != Type::Scalar) {
    types_.varint(t.shape.size());
    for (int64_t d : t.shape)
      types_.varint(static_cast<uint64_t>(d));
  }
  if (t.layout != kNone)
    types_.varint(l);
  number = typeNumber_[id] = nextType_++;
  return error_.empty();
}

bool Writer::define(ValueId v, ByteWriter &w) {
  if (v >= m_.valueTypes.size())
    return fail("bytecode writer: " + where() + " defines value %" + std::to_string(v) + ", which is out of range");
  if (valueNumber_[v] != kNone)
    return fail("bytecode writer: " + where() + " defines value %" + std::to_string(v) + " a second time");
  uint32_t t = 0;
  if (!type(m_.valueTypes[v], t))
    return false;
  valueNumber_[v] = nextValue_++;
  w.varint(t);
  return true;
}

bool Writer::attribute(const Attr &a, ByteWriter &w) {
  const AttrInfo *info = attrInfo(a.id);
  if (!info)
    return fail("bytecode writer: " + where() + " has an attribute without a number in the table");
  bool kindOk = false;
  w.varint(static_cast<uint16_t>(a.id));
  w.u8(static_cast<uint8_t>(info->kind));
  switch (info->kind) {
  case AttrKind::Int:
  case AttrKind::Elem:
    if (auto *v = std::get_if<int64_t>(&a.value); (kindOk = v))
      w.zigzag(*v);
    break;
  case AttrKind::Float:
    if (auto *v = std::get_if<double>(&a.value); (kindOk = v))
      w.f64(*v);
    break;
  case AttrKind::Str:
    if (auto *v = std::get_if<std::string>(&a.value); (kindOk = v))
      w.varint(string(*v));
    break;
  case AttrKind::Ints:
    if (auto *v = std::get_if<std::vector<int64_t>>(&a.value); (kindOk = v)) {
      w.varint(v->size());
      for (int64_t i : *v)
        w.zigzag(i);
    }
    break;
  }
  if (!kindOk)
    return fail("bytecode writer: " + where() + ": attribute `" + std::string(info->name) +
                "` has a value of the wrong kind");
  return true;
}

bool Writer::attributes(const Op &op, ByteWriter &w) {
  std::vector<const Attr *> kept;
  for (const Attr &a : op.attrs) {
    uint32_t since = o_.versions->attr(a.id);
    if (since <= o_.minor) {
      kept.push_back(&a);
    } else if (!atDefault(a)) {
      const AttrInfo *info = attrInfo(a.id);
      return tooNew("attribute", info ? info->name : "?", since);
    }
  }
  w.varint(kept.size());
  for (const Attr *a : kept)
    if (!attribute(*a, w))
      return false;
  return true;
}

bool Writer::op(const Op &op, ByteWriter &w, unsigned depth) {
  op_ = &op;
  const OpInfo *info = opInfo(op.code);
  if (!info)
    return fail("bytecode writer: " + where() + " has no number in the table");
  if (uint32_t since = o_.versions->op(op.code); since > o_.minor)
    return tooNew("opcode", info->name, since);
  w.varint(static_cast<uint16_t>(op.code));
  w.varint((static_cast<uint64_t>(loc(op.loc)) + 1) & 0xffffffff);
  w.varint(op.operands.size());
  for (ValueId v : op.operands) {
    if (v >= m_.valueTypes.size() || valueNumber_[v] == kNone)
      return fail("bytecode writer: " + where() + " uses value %" + std::to_string(v) + " before its definition");
    w.varint(valueNumber_[v]);
  }
  // Results are numbered after the op's regions, as they are visible only after it; their types come first all the same.
  w.varint(op.results.size());
  for (ValueId v : op.results) {
    uint32_t t = 0;
    if (v >= m_.valueTypes.size())
      return fail("bytecode writer: " + where() + " defines value %" + std::to_string(v) + ", which is out of range");
    if (!type(m_.valueTypes[v], t))
      return false;
    w.varint(t);
  }
  if (!attributes(op, w))
    return false;
  w.varint(op.regions.size());
  for (const Region &r : op.regions)
    if (!region(r, w, depth + 1))
      return false;
  op_ = &op;
  ByteWriter unused;
  for (ValueId v : op.results)
    if (!define(v, unused))
      return false;
  return error_.empty();
}

bool Writer::region(const Region &r, ByteWriter &w, unsigned depth) {
  if (depth > kMaxDepth)
    return fail("bytecode writer: " + where() + ": regions nest deeper than " + std::to_string(kMaxDepth));
  w.varint(r.args.size());
  for (ValueId v : r.args)
    if (!define(v, w))
      return false;
  w.varint(r.ops.size());
  for (const Op &o : r.ops)
    if (!op(o, w, depth))
      return false;
  return true;
}

bool Writer::function(const Function &f, ByteWriter &w) {
  function_ = &f;
  op_ = nullptr;
  w.varint(string(f.name));
  w.varint((static_cast<uint64_t>(loc(f.loc)) + 1) & 0xffffffff);
  if (f.params.size() != f.body.args.size())
    return fail("bytecode writer: " + where() + ": parameters and arguments of the body differ in number");
  w.varint(f.params.size());
  for (size_t i = 0; i < f.params.size(); ++i) {
    const Param &p = f.params[i];
    if (p.value != f.body.args[i])
      return fail("bytecode writer: " + where() + ": parameter `" + p.name + "` is not argument " + std::to_string(i) +
                  " of the body");
    w.varint(string(p.name));
    w.zigzag(p.divisibility);
    w.u8(static_cast<uint8_t>((p.readOnly ? 1 : 0) | (p.isUnsigned ? 2 : 0)));
  }
  return region(f.body, w, 0);
}

void Writer::section(ByteWriter &out, Section id, uint16_t flags, const ByteWriter &payload) {
  const uint32_t alignment = 8;
  out.fixed(static_cast<uint16_t>(id), 2);
  out.fixed(flags, 2);
  out.fixed(alignment, 4);
  out.fixed(payload.size(), 8);
  while (out.size() % alignment)
    out.u8(0);
  out.raw(payload.bytes());
}

WriteResult Writer::run() {
  ByteWriter functions, options, producer, out;
  functions.u8(static_cast<uint8_t>(m_.level));
  functions.varint(m_.functions.size());
  for (const Function &f : m_.functions)
    if (!function(f, functions))
      break;
  options.varint(m_.options.size());
  for (const auto &[name, value] : m_.options) {
    options.varint(string(name));
    options.zigzag(value);
  }
  producer.text(m_.producer);
  if (!error_.empty())
    return {{}, error_};

  auto counted = [](uint32_t n, const ByteWriter &body) {
    ByteWriter w;
    w.varint(n);
    w.raw(body.bytes());
    return w;
  };
  out.raw(kMagic);
  out.fixed(kMajor, 2);
  out.fixed(o_.minor < kMinor ? o_.minor : kMinor, 2);
  out.fixed(o_.locations ? 8 : 6, 4);
  section(out, Section::Producer, kSkippable, producer);
  section(out, Section::Strings, 0, counted(nextString_, strings_));
  if (o_.locations) {
    section(out, Section::Files, kSkippable, counted(nextFile_, files_));
    section(out, Section::Locations, kSkippable, counted(nextLoc_, locs_));
  }
  section(out, Section::Layouts, 0, counted(nextLayout_, layouts_));
  section(out, Section::Types, 0, counted(nextType_, types_));
  section(out, Section::Functions, 0, functions);
  section(out, Section::Options, 0, options);
  return {out.take(), {}};
}
} // namespace

const Versions kVersions = {opSince, attrSince, elemSince};

WriteResult writeModule(const Module &module, const WriteOptions &options) { return Writer(module, options).run(); }

} // namespace tessera::tbc
