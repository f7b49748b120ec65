// StructSizes.cpp - every size of every struct that a plugin reads or fills, exhaustively (R1)
//
// SPDX-License-Identifier: Apache-2.0
//
// Each struct ends where a page ends that nobody may touch, so that reading past the size is a fault with the case's name.
#include "plugins/conformance/Kit.h"

#include "core/bytecode/Writer.h"
#include "plugins/conformance/GuardedBytes.h"

namespace tessera::conformance {

using namespace plugin;

namespace {

// Calls with an input struct of every size and tail; `call` gives the status. baseline: status of the proper call.
template <typename T, typename Call>
std::string fuzzInput(const T &good, uint32_t first, tsr_status baseline, Call &&call) {
  auto with = [&](uint32_t size, bool fillTail) {
    GuardedBytes room((size + 7) / 8 * 8);
    uint8_t *at = room.data();
    std::memcpy(at, &good, std::min<size_t>(size, sizeof good));
    if (fillTail && size > sizeof good)
      std::memset(at + sizeof good, 0x5a, size - sizeof good);
    if (size >= sizeof(uint32_t))
      std::memcpy(at, &size, sizeof size);
    return call(reinterpret_cast<const T *>(at));
  };
  for (uint32_t size = sizeof(tsr_hdr); size <= sizeof(T) + 64; size += 4) {
    tsr_status zero = with(size, false);
    if (size < first && zero >= 0)
      return "a struct of " + std::to_string(size) + " bytes is accepted, its first version has " +
             std::to_string(first);
    if (size >= sizeof(T) && zero != baseline)
      return "a struct of " + std::to_string(size) + " bytes with a zero tail gives " + statusName(zero) +
             " instead of " + statusName(baseline);
    if (size > sizeof(T) && with(size, true) != TSR_E_TOO_NEW)
      return "a struct of " + std::to_string(size) + " bytes whose unknown tail is set is not TOO_NEW";
  }
  T chained = good;
  tsr_hdr next{sizeof(tsr_hdr), 77, nullptr};
  chained.h.next = &next;
  if (call(&chained) != TSR_E_TOO_NEW)
    return "a chained struct of an unknown kind is not TOO_NEW";
  next.kind |= TSR_KIND_OPTIONAL;
  if (tsr_status s = call(&chained); s != baseline)
    return "a chained struct that is optional gives " + statusName(s) + " instead of " + statusName(baseline);
  next.next = &next;
  if (call(&chained) >= 0)
    return "a chain of structs that has no end is accepted";
  return {};
}

// An output of every size: nothing behind its size is written, and its size stays.
template <typename T, typename Call> std::string fuzzOutput(uint32_t first, Call &&call) {
  for (uint32_t size = sizeof(tsr_hdr); size <= sizeof(T) + 64; size += 4) {
    std::vector<uint8_t> room(sizeof(T) + 128, 0xcc);
    std::memset(room.data(), 0, sizeof(tsr_hdr));
    std::memcpy(room.data(), &size, sizeof size);
    tsr_status s = call(reinterpret_cast<T *>(room.data()));
    uint32_t after;
    std::memcpy(&after, room.data(), sizeof after);
    if (after != size)
      return "the callee changes the size of an output";
    for (size_t i = size; i < room.size(); ++i)
      if (room[i] != 0xcc)
        return "byte " + std::to_string(i) + " is written, behind the " + std::to_string(size) + " bytes of the struct";
    if (size >= first && s != TSR_OK) // a smaller one may be refused or filled as far as it goes
      return "an output of " + std::to_string(size) + " bytes gives " + statusName(s);
  }
  return {};
}

template <typename T> constexpr uint32_t kFirst = 0;
#define TSR_STRUCT(type, first, last, Kind) template <> constexpr uint32_t kFirst<type> = first;
#include "plugins/abi/structs.def"

void add(Report &report, const std::string &name, const std::string &problem) {
  report.add({"L0/struct-size/" + name, problem.empty() ? Outcome::Passed : Outcome::Failed, problem});
}

void fuzzCompiler(const Subject &s, Report &report) {
  const tsr_compiler_api *api = s.compiler->compiler();
  std::vector<uint8_t> bytes = tbc::writeModule(allCases().front().module).bytes;
  tsr_compile_in in{};
  in.h.size = sizeof in;
  in.target = s.target->handle();
  in.ir = {bytes.data(), bytes.size()};
  in.ir_level = s.target->info().irLevels & TSR_IR_TILE ? TSR_IR_TILE : TSR_IR_LAYOUT;
  auto compile = [&](const tsr_compile_in *p) {
    MessageSink sink;
    return contain([&] {
      return api->compile(sink.raw(), p, nullptr, [](void *, const tsr_kernel_info *) -> tsr_status { return TSR_OK; });
    });
  };
  setCurrentCase("L0/struct-size/tsr_compile_in");
  add(report, "tsr_compile_in", fuzzInput(in, kFirst<tsr_compile_in>, compile(&in), compile));
  if (TSR_HAS(tsr_compiler_api, api, check)) {
    setCurrentCase("L0/struct-size/tsr_compile_in-check");
    auto check = [&](const tsr_compile_in *p) {
      MessageSink sink;
      return contain([&] { return api->check(sink.raw(), p); });
    };
    add(report, "tsr_compile_in-check", fuzzInput(in, kFirst<tsr_compile_in>, check(&in), check));
  }
}

void fuzzTarget(const Subject &s, Report &report) {
  const tsr_target_api *api = s.compiler->target();
  if (TSR_HAS(tsr_target_api, api, layout)) {
    setCurrentCase("L0/struct-size/tsr_layout_req");
    uint32_t shape[] = {16, 16};
    tsr_layout_req req{};
    req.h.size = sizeof req;
    req.rank = 2;
    req.dtype = TSR_F32;
    req.elem_bits = 32;
    req.num_warps = 4;
    req.access = TSR_ACCESS_COMPUTE;
    req.shape = shape;
    auto ask = [&](const tsr_layout_req *p) {
      uint32_t dims[3][TSR_LL_MAX_DIMS];
      int32_t bases[64 * TSR_LL_MAX_DIMS];
      tsr_ll out{};
      out.h.size = sizeof out;
      out.cap = 64 * TSR_LL_MAX_DIMS;
      out.in_dim = dims[0];
      out.in_log2 = dims[1];
      out.out_log2 = dims[2];
      out.bases = bases;
      return contain([&] { return api->layout(s.target->handle(), p, &out); });
    };
    add(report, "tsr_layout_req", fuzzInput(req, kFirst<tsr_layout_req>, ask(&req), ask));
  }
  if (TSR_HAS(tsr_target_api, api, mma_rank)) {
    setCurrentCase("L0/struct-size/tsr_mma_problem");
    tsr_mma_problem problem{};
    problem.h.size = sizeof problem;
    problem.a = problem.b = TSR_F16;
    problem.c = TSR_F32;
    problem.m = problem.n = problem.k = 64;
    auto rank = [&](const tsr_mma_problem *p) {
      uint32_t best[64], n = 64;
      return contain([&] { return api->mma_rank(s.target->handle(), p, best, &n); });
    };
    add(report, "tsr_mma_problem", fuzzInput(problem, kFirst<tsr_mma_problem>, rank(&problem), rank));
  }
}

void fuzzNegotiation(const Library &lib, const std::string &role, Report &report) {
  setCurrentCase("L0/struct-size/tables/" + role);
  std::string problem;
  auto covers = [&](const tsr_hdr *h, uint32_t first, const char *name) {
    if (h && h->size < first && problem.empty())
      problem =
          std::string(name) + " has " + std::to_string(h->size) + " bytes, its first version " + std::to_string(first);
  };
  covers(&lib.api().h, kFirst<tsr_plugin_api>, "tsr_plugin_api");
  covers(lib.target() ? &lib.target()->h : nullptr, kFirst<tsr_target_api>, "tsr_target_api");
  covers(lib.compiler() ? &lib.compiler()->h : nullptr, kFirst<tsr_compiler_api>, "tsr_compiler_api");
  covers(lib.driver() ? &lib.driver()->h : nullptr, kFirst<tsr_driver_api>, "tsr_driver_api");
  add(report, "tables-" + role, problem);
}

void fuzzDriver(const Subject &s, Report &report) {
  const tsr_driver_api *d = s.driver->driver();
  uint32_t devices = 0;
  if (contain([&] { return d->probe(&devices); }) != TSR_OK || !devices) {
    report.add({"L0/struct-size/tsr_device_info", Outcome::Skipped, "no device here"});
    return;
  }
  setCurrentCase("L0/struct-size/tsr_device_info");
  add(report, "tsr_device_info", fuzzOutput<tsr_device_info>(kFirst<tsr_device_info>, [&](tsr_device_info *p) {
        return contain([&] { return d->device_info(0, p); });
      }));
  MessageSink sink;
  tsr_device *device = nullptr;
  tsr_stream *stream = nullptr;
  uint64_t memory = 0;
  if (contain([&] { return d->device_open(sink.raw(), 0, nullptr, 0, &device); }) != TSR_OK)
    return;
  if (contain([&] { return d->stream_create(device, 0, 0, &stream); }) == TSR_OK &&
      contain([&] { return d->mem_alloc(device, nullptr, 64, 0, TSR_MEM_DEVICE, &memory); }) == TSR_OK) {
    setCurrentCase("L0/struct-size/tsr_copy");
    uint8_t host[16] = {};
    tsr_copy copy{};
    copy.h.size = sizeof copy;
    copy.dst = memory;
    copy.src = reinterpret_cast<uint64_t>(host);
    copy.rows = 1;
    copy.row_bytes = copy.dst_pitch = copy.src_pitch = sizeof host;
    copy.src_space = TSR_MEM_HOST;
    auto call = [&](const tsr_copy *p) {
      tsr_status r = contain([&] { return d->copy(stream, p); });
      tsr_status sync = contain([&] { return d->stream_sync(stream); });
      return r < 0 ? r : sync;
    };
    add(report, "tsr_copy", fuzzInput(copy, kFirst<tsr_copy>, call(&copy), call));
    contain([&] { return d->mem_free(device, nullptr, memory); });
  }
  contain([&] { return d->stream_destroy(stream); });
  contain([&] { return d->device_close(device); });
}

} // namespace

void fuzzStructSizes(const Subject &s, Report &report) {
  if (s.compiler && s.target) {
    fuzzNegotiation(*s.compiler, "compiler", report);
    fuzzCompiler(s, report);
    fuzzTarget(s, report);
  }
  if (s.driver) {
    fuzzNegotiation(*s.driver, "driver", report);
    fuzzDriver(s, report);
  }
}

} // namespace tessera::conformance
