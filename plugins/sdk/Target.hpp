// Target.hpp - what a vendor says about a target: capabilities, layouts, the matrix menu; all of it data
//
// SPDX-License-Identifier: Apache-2.0
//
// Derive from Target; give the class two static functions, `list()` and `parse(Spec)`. Objects are immutable once made and
// are read from several threads. C++17.
#pragma once

#include "plugins/sdk/Error.hpp"

#include <memory>
#include <vector>

namespace tessera::sdk {

// A target as the user spelt it, without the plugin's name and options: "gfx942:sramecc+:xnack-".
struct Spec {
  std::string text, arch;
  std::vector<std::pair<std::string, bool>> features; // name, on or off

  static Spec parse(std::string_view text) {
    Spec s;
    s.text = std::string(text);
    size_t at = text.find(':');
    s.arch = std::string(text.substr(0, at));
    while (at != std::string_view::npos) {
      size_t from = at + 1;
      at = text.find(':', from);
      std::string_view f = text.substr(from, at == std::string_view::npos ? at : at - from);
      if (f.empty() || (f.back() != '+' && f.back() != '-'))
        throw Error(TSR_E_INVALID,
                    "'" + std::string(f) + "' in target '" + s.text + "' is no feature: write name+ or name-");
      s.features.emplace_back(std::string(f.substr(0, f.size() - 1)), f.back() == '+');
    }
    return s;
  }
};

struct TargetName {
  std::string canonical, help;
};

// A linear layout: inputs (TSR_DIM_*, bits), tensor bits, and for every input bit the tensor index it toggles.
struct LinearMap {
  struct Input {
    uint32_t dim;
    std::vector<std::vector<int32_t>> bases; // [bit][tensor dim]
  };
  std::vector<Input> inputs;
  std::vector<uint32_t> outLog2;
};

struct LayoutRequest {
  std::vector<uint32_t> shape, contiguous;
  uint32_t dtype, elementBits, numWarps, access, entry, operand; // entry: index into the matrix menu + 1, 0 none
};

// The layouts of a target that takes LAYOUT bytecode.
class LayoutProvider {
public:
  virtual ~LayoutProvider() = default;
  // Throws Unsupported where there is no such layout.
  virtual LinearMap layout(const LayoutRequest &request) const = 0;
};

// One matrix instruction; fields as tsr_mma.
struct MatrixEntry {
  std::string id;
  uint16_t m = 0, n = 0, k = 0, lanes = 0;
  uint8_t a = 0, b = 0, c = 0, d = 0;
  uint32_t flags = 0, issueCycles = 0, latency = 0;
  uint16_t nMax = 0, nStep = 0; // 0: only n
  uint32_t aSpace = TSR_SPACE_BIT_REG, bSpace = TSR_SPACE_BIT_REG, cSpace = TSR_SPACE_BIT_REG;
  uint8_t scale = 0, scaleBlock = 0;
};
using MatrixMenu = std::vector<MatrixEntry>;

enum class Verdict : uint32_t { No = TSR_RUNS_NO, Yes = TSR_RUNS_YES, Recompile = TSR_RUNS_RECOMPILE };

class Target {
public:
  Target(std::string canonical, std::string family) : canonical_(std::move(canonical)), family_(std::move(family)) {}
  Target(const Target &) = delete;
  Target &operator=(const Target &) = delete;
  virtual ~Target() = default;

  std::string_view canonical() const { return canonical_; }
  std::string_view family() const { return family_; }
  uint64_t capability(uint32_t id) const {
    for (const tsr_cap &c : caps_)
      if (c.id == id)
        return c.val;
    return 0;
  }
  // May code built for this target run on `device`?
  virtual Verdict runsOn(const Target &device) const {
    return canonical_ == device.canonical_ ? Verdict::Yes : Verdict::No;
  }
  // Not NULL for targets that take LAYOUT. Lives as long as the target.
  virtual const LayoutProvider *layouts() const { return nullptr; }
  // Entries of the menu for a problem, best first. The default: those whose types fit, by order in the menu.
  virtual std::vector<uint32_t> rank(const tsr_mma_problem &p) const {
    std::vector<uint32_t> fit;
    for (uint32_t i = 0; i < menu_.size(); ++i)
      if (menu_[i].a == p.a && menu_[i].b == p.b && menu_[i].c == p.c)
        fit.push_back(i);
    return fit;
  }
  const MatrixMenu &menu() const { return menu_; }

  // For derived constructors, and `finish()` as the last thing there is: the SDK calls it.
  const tsr_target_desc *describe() const { return &desc_; }
  void finish() {
    mmas_.clear();
    mmaPointers_.clear();
    mmas_.reserve(menu_.size());
    for (const MatrixEntry &e : menu_) {
      tsr_mma m{};
      m.h.size = sizeof m;
      m.id = str(e.id);
      m.m = e.m;
      m.n_min = e.n;
      m.n_max = e.nMax ? e.nMax : e.n;
      m.n_step = e.nStep;
      m.k = e.k;
      m.lanes = e.lanes;
      m.a = e.a;
      m.b = e.b;
      m.c = e.c;
      m.d = e.d ? e.d : e.c;
      m.scale = e.scale;
      m.scale_block = e.scaleBlock;
      m.a_space = e.aSpace;
      m.b_space = e.bSpace;
      m.c_space = e.cSpace;
      m.flags = e.flags;
      m.issue_cycles = e.issueCycles;
      m.latency = e.latency;
      mmas_.push_back(m);
    }
    for (const tsr_mma &m : mmas_)
      mmaPointers_.push_back(&m);
    desc_ = tsr_target_desc{};
    desc_.h.size = sizeof desc_;
    desc_.canonical = str(canonical_);
    desc_.family = str(family_);
    desc_.ir_min = irMin_;
    desc_.ir_max = irMax_;
    desc_.ir_levels = irLevels_;
    desc_.n_caps = static_cast<uint32_t>(caps_.size());
    desc_.caps = caps_.data();
    desc_.n_mma = static_cast<uint32_t>(mmas_.size());
    desc_.mma = mmaPointers_.data();
  }

protected:
  void cap(uint32_t id, uint64_t value) { caps_.push_back({id, 0, value}); }
  void irLevels(uint32_t mask) { irLevels_ = mask; }
  void irVersions(uint32_t min, uint32_t max) {
    irMin_ = min;
    irMax_ = max;
  }
  void matrix(MatrixEntry e) { menu_.push_back(std::move(e)); }

private:
  std::string canonical_, family_;
  std::vector<tsr_cap> caps_;
  MatrixMenu menu_;
  uint32_t irLevels_ = TSR_IR_TILE, irMin_ = TSR_IR_VERSION(0, 0), irMax_ = TSR_IR_VERSION(0, 1);
  std::vector<tsr_mma> mmas_;
  std::vector<const tsr_mma *> mmaPointers_;
  tsr_target_desc desc_{};
};

namespace detail {

inline tsr_target *handle(Target *t) { return reinterpret_cast<tsr_target *>(t); }
inline const Target &object(const tsr_target *t) { return need(reinterpret_cast<const Target *>(t), "a target"); }

inline void writeLayout(const LinearMap &m, tsr_ll *out) {
  if (!out || out->h.size < FirstSize<tsr_ll>::value)
    throw Error(TSR_E_TOO_OLD, "the layout struct is missing or too small");
  uint32_t bits = 0;
  for (const auto &in : m.inputs)
    bits += static_cast<uint32_t>(in.bases.size());
  out->n_in = static_cast<uint32_t>(m.inputs.size());
  out->n_out = static_cast<uint32_t>(m.outLog2.size());
  out->n = bits * out->n_out;
  if (out->n > out->cap || out->n_in > TSR_LL_MAX_DIMS || out->n_out > TSR_LL_MAX_DIMS)
    throw Error(TSR_E_INVALID, "the layout needs room for " + std::to_string(out->n) + " bases");
  uint32_t at = 0;
  for (uint32_t i = 0; i < out->n_in; ++i) {
    out->in_dim[i] = m.inputs[i].dim;
    out->in_log2[i] = static_cast<uint32_t>(m.inputs[i].bases.size());
    for (const auto &basis : m.inputs[i].bases)
      for (uint32_t d = 0; d < out->n_out; ++d)
        out->bases[at++] = d < basis.size() ? basis[d] : 0;
  }
  for (uint32_t d = 0; d < out->n_out; ++d)
    out->out_log2[d] = m.outLog2[d];
}

// The target table over class T: T::list() and T::parse(const Spec &).
template <typename T> struct TargetTable {
  static tsr_status enumerate(void *user, void (*cb)(void *, tsr_str, tsr_str)) {
    return guard(nullptr, [&] {
      for (const TargetName &n : T::list())
        cb(user, str(n.canonical), str(n.help));
    });
  }
  static tsr_status parse(const tsr_sink *sink, tsr_str spec, tsr_target **out) {
    return guard(sink, [&] {
      need(out, "out_target");
      std::unique_ptr<Target> t = T::parse(Spec::parse(view(spec)));
      if (!t)
        throw NotFound("no target '" + std::string(view(spec)) + "'");
      t->finish();
      *out = handle(t.release());
    });
  }
  static const tsr_target_desc *describe(const tsr_target *t) {
    return reinterpret_cast<const Target *>(t)->describe();
  }
  static void release(tsr_target *t) { delete reinterpret_cast<Target *>(t); }
  static tsr_status runsOn(const tsr_target *built, const tsr_target *device, uint32_t *out) {
    return guard(nullptr,
                 [&] { need(out, "out_verdict") = static_cast<uint32_t>(object(built).runsOn(object(device))); });
  }
  static tsr_status layout(const tsr_target *t, const tsr_layout_req *raw, tsr_ll *out) {
    return guard(nullptr, [&] {
      const Target &target = object(t);
      Input<tsr_layout_req> in(raw);
      if (!target.layouts())
        throw Unsupported("layouts", "", target.canonical());
      if (in->rank > TSR_LL_MAX_DIMS || (in->rank && !in->shape))
        throw Error(TSR_E_INVALID, "a layout of rank " + std::to_string(in->rank));
      LayoutRequest r{{in->shape, in->shape + in->rank},
                      std::vector<uint32_t>(in->rank, 1),
                      in->dtype,
                      in->elem_bits,
                      in->num_warps,
                      in->access,
                      in->mma,
                      in->operand};
      if (in->contig)
        r.contiguous.assign(in->contig, in->contig + in->rank);
      if (r.entry > target.menu().size())
        throw Error(TSR_E_INVALID, "matrix entry " + std::to_string(r.entry) + " of a menu of " +
                                       std::to_string(target.menu().size()));
      writeLayout(target.layouts()->layout(r), out);
    });
  }
  static tsr_status rank(const tsr_target *t, const tsr_mma_problem *raw, uint32_t *out, uint32_t *n) {
    return guard(nullptr, [&] {
      Input<tsr_mma_problem> in(raw);
      std::vector<uint32_t> best = object(t).rank(*in);
      uint32_t room = need(n, "inout_n");
      *n = static_cast<uint32_t>(best.size());
      for (uint32_t i = 0; i < room && i < best.size(); ++i)
        out[i] = best[i];
    });
  }
  static const tsr_target_api *table() {
    static const tsr_target_api api = [] {
      tsr_target_api a{};
      a.h.size = sizeof a;
      a.enumerate = enumerate;
      a.parse = parse;
      a.describe = describe;
      a.release = release;
      a.runs_on = runsOn;
      a.layout = layout;
      a.mma_rank = rank;
      return a;
    }();
    return &api;
  }
};
template <> struct TargetTable<void> {
  static const tsr_target_api *table() { return nullptr; }
};

} // namespace detail
} // namespace tessera::sdk
