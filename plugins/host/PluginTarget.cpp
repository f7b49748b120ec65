// PluginTarget.cpp - asks a plugin over the C ABI, believes only legal answers
// SPDX-License-Identifier: Apache-2.0
#include "plugins/host/PluginTarget.h"

#include "plugins/host/LinearData.h"

namespace tessera::plugin {

// The two registries are one numbering: no row of either is missing in the other, and equal names have equal numbers.
static constexpr int abiNumber(std::string_view name) {
  auto isName = [&](std::string_view upper) {
    return std::equal(upper.begin(), upper.end(), name.begin(), name.end(),
                      [](char u, char l) { return u == l || (u >= 'A' && u <= 'Z' && u - 'A' + 'a' == l); });
  };
#define TSR_CAPABILITY(number, name, unit, summary, source)                                                            \
  if (isName(#name))                                                                                                   \
    return number;
#include "plugins/abi/caps.def"
  return 0;
}
#define TSR_CAPABILITY(id, Name, text, unit, meaning)                                                                  \
  static_assert(abiNumber(text) == id, "capability " text ": plugins/abi/caps.def has another number, or no row");
#include "core/target/Capabilities.def"
static constexpr int kCoreRows = 0
#define TSR_CAPABILITY(id, Name, text, unit, meaning) +1
#include "core/target/Capabilities.def"
    ;
static constexpr int kAbiRows = 0
#define TSR_CAPABILITY(number, name, unit, summary, source) +1
#include "plugins/abi/caps.def"
    ;
static_assert(kCoreRows == kAbiRows, "plugins/abi/caps.def has a row that core/target/Capabilities.def lacks");
static_assert(TSR_ACCESS_SHARED == static_cast<uint32_t>(target::Access::Shared));
static_assert(TSR_ACCESS_MMA_OPERAND == static_cast<uint32_t>(target::Access::MatrixOperand));
static_assert(TSR_ACCESS_COMPUTE == static_cast<uint32_t>(target::Access::Compute));
static_assert(TSR_IR_TILE == target::kTileLevel && TSR_IR_LAYOUT == target::kLayoutLevel);
static_assert(TSR_SPACE_BIT_TENSOR == target::kInTensorMemory && TSR_MMA_SCALED == target::kMatrixScaled);

namespace {

// More than any sane plugin has; a table that claims more is not followed.
constexpr uint32_t kMaxCaps = 4096, kMaxEntries = 4096;

target::MatrixEntry entryOf(const tsr_mma &m) {
  target::MatrixEntry e;
  e.id = std::string(view(m.id));
  e.m = m.m;
  e.nMin = m.n_min;
  e.nMax = m.n_max;
  e.nStep = m.n_step;
  e.k = m.k;
  e.lanes = m.lanes;
  e.a = m.a;
  e.b = m.b;
  e.c = m.c;
  e.d = m.d;
  e.scale = m.scale;
  e.scaleBlock = m.scale_block;
  e.aSpaces = m.a_space;
  e.bSpaces = m.b_space;
  e.cSpaces = m.c_space;
  e.flags = m.flags;
  e.issueCycles = m.issue_cycles;
  e.latency = m.latency;
  return e;
}

} // namespace

Expected<std::shared_ptr<const PluginTarget>> PluginTarget::make(const Library &library, const std::string &spec) {
  const tsr_target_api *api = library.target();
  if (!api)
    return Failure{DiagId::PluginFailed, "plugin " + library.name() + ": this library has no targets", {}};
  MessageSink sink;
  tsr_target *handle = nullptr;
  bool threw = false;
  tsr_status s = contain([&] { return api->parse(sink.raw(), str(spec), &handle); }, &threw);
  if (threw)
    return Failure{
        DiagId::PluginFailed, "plugin " + library.name() + ": target '" + spec + "': it threw a C++ exception", {}};
  if (s != TSR_OK || !handle) {
    bool mine = s == TSR_E_NOT_FOUND || s == TSR_E_UNSUPPORTED || s == TSR_E_INVALID;
    std::string text = sink.firstError();
    if (text.empty())
      return library.failure("target '" + spec + "'", s, mine ? DiagId::UnknownTarget : DiagId::PluginFailed);
    return Failure{mine ? DiagId::UnknownTarget : DiagId::PluginFailed, "plugin " + library.name() + ": " + text, {}};
  }
  std::shared_ptr<PluginTarget> target(new PluginTarget(library, handle));
  std::string problem = target->read();
  if (!problem.empty())
    return Failure{
        DiagId::PluginFailed, "plugin " + library.name() + ": the description of target '" + spec + "' " + problem, {}};
  return std::shared_ptr<const PluginTarget>(std::move(target));
}

PluginTarget::~PluginTarget() {
  contain([&] {
    library_.target()->release(handle_);
    return TSR_OK;
  });
}

std::string PluginTarget::read() {
  const tsr_target_desc *d = nullptr;
  contain([&] {
    d = library_.target()->describe(handle_);
    return TSR_OK;
  });
  if (!d || !TSR_COVERS(tsr_target_desc, d, mma))
    return "is missing or too short";
  if (view(d->canonical).empty() || d->canonical.n > 4096)
    return "has no name";
  if (d->n_caps > kMaxCaps || (d->n_caps && !d->caps) || d->n_mma > kMaxEntries || (d->n_mma && !d->mma))
    return "has impossible tables";
  info_.name = std::string(view(d->canonical));
  info_.family = std::string(view(d->family));
  info_.irMin = d->ir_min;
  info_.irMax = d->ir_max;
  info_.irLevels = d->ir_levels;
  if (!(info_.irLevels & (TSR_IR_TILE | TSR_IR_LAYOUT)))
    return "takes neither TILE nor LAYOUT bytecode";
  for (uint32_t i = 0; i < d->n_caps; ++i)
    info_.capabilities[d->caps[i].id] = d->caps[i].val;
  for (uint32_t i = 0; i < d->n_mma; ++i) {
    if (!d->mma[i] || !TSR_COVERS(tsr_mma, d->mma[i], latency))
      return "has a matrix entry that is missing or too short";
    menu_.push_back(entryOf(*d->mma[i]));
  }
  if (info_.takesLayouts() && !TSR_HAS(tsr_target_api, library_.target(), layout))
    return "says LAYOUT, but the plugin has no function for layouts";
  return {};
}

uint32_t PluginTarget::runsOn(const PluginTarget &device) const {
  uint32_t verdict = TSR_RUNS_NO;
  if (!TSR_HAS(tsr_target_api, library_.target(), runs_on))
    return info_.name == device.info_.name ? TSR_RUNS_YES : TSR_RUNS_NO;
  tsr_status s = contain([&] { return library_.target()->runs_on(handle_, device.handle_, &verdict); });
  return s == TSR_OK ? verdict : TSR_RUNS_NO;
}

std::optional<uint64_t> PluginTarget::convertCost(const layout::LinearLayout &from, const layout::LinearLayout &to,
                                                  unsigned elementBits) const {
  if (!TSR_HAS(tsr_target_api, library_.target(), convert_cost) || from.outs().size() > TSR_LL_MAX_DIMS)
    return std::nullopt;
  LinearBuffers a(from), b(to);
  uint64_t cycles = 0;
  tsr_status s =
      contain([&] { return library_.target()->convert_cost(handle_, a.raw(), b.raw(), elementBits, &cycles); });
  return s == TSR_OK ? std::optional<uint64_t>(cycles) : std::nullopt;
}

std::optional<layout::LinearLayout> PluginTarget::ask(const target::LayoutRequest &request, std::string *why) const {
  std::vector<uint32_t> shape(request.shape.begin(), request.shape.end());
  std::vector<uint32_t> contiguity(shape.size(), 1);
  for (size_t i = 0; i < shape.size() && i < request.contiguity.size(); ++i)
    contiguity[i] = static_cast<uint32_t>(std::min<int64_t>(request.contiguity[i], 1 << 30));
  tsr_layout_req r{};
  r.h.size = sizeof r;
  r.rank = static_cast<uint32_t>(shape.size());
  r.dtype = request.elem;
  r.elem_bits = request.elementBits;
  r.num_warps = request.numWarps;
  r.access = static_cast<uint32_t>(request.access);
  r.mma = static_cast<uint32_t>(request.matrixEntry + 1);
  r.operand = request.operand;
  r.shape = shape.data();
  r.contig = contiguity.data();
  LinearBuffers out;
  tsr_status s = contain([&] { return library_.target()->layout(handle_, &r, out.raw()); });
  if (s != TSR_OK) {
    if (why)
      *why = library_.lastError();
    return std::nullopt;
  }
  std::optional<layout::LinearLayout> answer = out.layout(request.shape, why);
  if (answer && !target::isLegalAnswer(request, *answer, info_.lanes(), why))
    return std::nullopt;
  return answer;
}

std::optional<layout::LinearLayout> PluginTarget::layoutFor(const target::LayoutRequest &request,
                                                            std::string *why) const {
  std::string reason;
  if (request.shape.size() <= TSR_LL_MAX_DIMS && TSR_HAS(tsr_target_api, library_.target(), layout))
    if (std::optional<layout::LinearLayout> answer = ask(request, &reason))
      return answer;
  // What a matrix instruction reads in shared memory has the layout that its target says, or none.
  if (request.access == target::Access::Shared && request.matrixEntry >= 0) {
    if (why)
      *why = reason.empty() ? "the plugin has no layout for this operand in shared memory" : reason;
    return std::nullopt;
  }
  std::optional<layout::LinearLayout> fallback =
      target::defaultLayout(request, info_.lanes(), info_.maxVectorBits(), why);
  if (!fallback && why && !reason.empty())
    *why += "; the plugin says: " + reason;
  return fallback;
}

std::vector<uint32_t> PluginTarget::rank(const target::MatrixProblem &problem) const {
  if (!TSR_HAS(tsr_target_api, library_.target(), mma_rank) || menu_.empty())
    return MatrixMenu::rank(problem);
  tsr_mma_problem p{};
  p.h.size = sizeof p;
  p.a = problem.a;
  p.b = problem.b;
  p.c = problem.c;
  p.scale = problem.scale;
  p.batch = static_cast<uint32_t>(problem.batch);
  p.precision = problem.precision;
  p.m = problem.m;
  p.n = problem.n;
  p.k = problem.k;
  std::vector<uint32_t> best(menu_.size());
  uint32_t n = static_cast<uint32_t>(best.size());
  tsr_status s = contain([&] { return library_.target()->mma_rank(handle_, &p, best.data(), &n); });
  if (s != TSR_OK)
    return MatrixMenu::rank(problem);
  best.resize(std::min<size_t>(n, best.size()));
  // An index outside the menu would be a wild read later; an entry that does not fit, a wrong result.
  std::erase_if(best, [&](uint32_t i) { return i >= menu_.size() || !target::entryFits(menu_[i], problem); });
  return best;
}

} // namespace tessera::plugin
