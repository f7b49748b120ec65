// DeviceSession.cpp - runs one case on a device through the bare ABI
// SPDX-License-Identifier: Apache-2.0
#include "plugins/conformance/Kit.h"

#include <algorithm>
#include <cstring>

namespace tessera::conformance {

using plugin::contain;

namespace {
// Around every buffer, so that a write that strays is seen.
constexpr uint64_t kFence = 256;
constexpr uint8_t kFenceByte = 0xa5;
} // namespace

std::string DeviceSession::fail(const char *what, tsr_status s) { return library_.failure(what, s).message; }

std::unique_ptr<DeviceSession> DeviceSession::open(const plugin::Library &driver, std::string &why) {
  std::unique_ptr<DeviceSession> session(new DeviceSession(driver));
  const tsr_driver_api &api = session->api_;
  uint32_t devices = 0;
  tsr_status s = contain([&] { return api.probe(&devices); });
  if (s != TSR_OK || !devices) {
    why = s == TSR_OK ? "no device" : session->fail("probe", s);
    return nullptr;
  }
  tsr_device_info info{};
  info.h.size = sizeof info;
  if ((s = contain([&] { return api.device_info(0, &info); })) != TSR_OK) {
    why = session->fail("device_info", s);
    return nullptr;
  }
  session->target_ = std::string(plugin::view(info.target));
  plugin::MessageSink sink;
  if ((s = contain([&] { return api.device_open(sink.raw(), 0, nullptr, 0, &session->device_); })) != TSR_OK) {
    why = session->fail("device_open", s);
    return nullptr;
  }
  if ((s = contain([&] { return api.stream_create(session->device_, 0, 0, &session->stream_); })) != TSR_OK) {
    why = session->fail("stream_create", s);
    return nullptr;
  }
  return session;
}

DeviceSession::~DeviceSession() {
  contain([&] { return api_.stream_destroy(stream_); });
  contain([&] { return api_.device_close(device_); });
}

std::string DeviceSession::move(uint64_t device, void *host, uint64_t bytes, bool toDevice) {
  tsr_copy copy{};
  copy.h.size = sizeof copy;
  uint64_t address = reinterpret_cast<uint64_t>(host);
  copy.dst = toDevice ? device : address;
  copy.src = toDevice ? address : device;
  copy.rows = 1;
  copy.row_bytes = copy.dst_pitch = copy.src_pitch = bytes;
  copy.dst_space = toDevice ? TSR_MEM_DEVICE : TSR_MEM_HOST;
  copy.src_space = toDevice ? TSR_MEM_HOST : TSR_MEM_DEVICE;
  tsr_status s = contain([&] { return api_.copy(stream_, &copy); });
  if (s == TSR_OK)
    s = contain([&] { return api_.stream_sync(stream_); });
  return s == TSR_OK ? std::string() : fail("copy", s);
}

std::string DeviceSession::launch(const Case &c, const plugin::CompileOutput &compiled,
                                  const std::vector<uint64_t> &addresses) {
  const plugin::CompiledKernel &k = compiled.kernels.front();
  if (k.args.size() != addresses.size() + c.scalars.size())
    return "the kernel has " + std::to_string(k.args.size()) + " arguments instead of " +
           std::to_string(addresses.size() + c.scalars.size());
  std::vector<uint8_t> args(k.argBytes);
  for (size_t i = 0; i < k.args.size(); ++i) {
    uint64_t value = i < addresses.size() ? addresses[i] : static_cast<uint32_t>(c.scalars[i - addresses.size()]);
    if (k.args[i].size != (i < addresses.size() ? 8u : 4u))
      return "argument " + std::to_string(i) + " has " + std::to_string(k.args[i].size) + " bytes";
    std::memcpy(args.data() + k.args[i].offset, &value, k.args[i].size);
  }
  plugin::MessageSink sink;
  tsr_module *module = nullptr;
  tsr_status s = contain([&] {
    return api_.module_load(sink.raw(), device_, {compiled.artifact.data(), compiled.artifact.size()}, &module);
  });
  if (s != TSR_OK)
    return fail("module_load", s);
  std::vector<tsr_arg> room;
  tsr_kernel_info info = k.raw(room);
  tsr_kernel *kernel = nullptr;
  std::string problem;
  if ((s = contain([&] { return api_.kernel_get(module, &info, &kernel); })) != TSR_OK)
    problem = fail("kernel_get", s);
  tsr_launch l{};
  l.h.size = sizeof l;
  std::copy(c.grid, c.grid + 3, l.grid);
  std::copy(k.block.begin(), k.block.end(), l.block);
  std::copy(k.cluster.begin(), k.cluster.end(), l.cluster);
  l.smem_dynamic = static_cast<uint32_t>(k.smemDynamic);
  l.args = args.data();
  l.arg_bytes = args.size();
  if (problem.empty() && (s = contain([&] { return api_.launch(stream_, kernel, &l); })) != TSR_OK)
    problem = fail("launch", s);
  if (problem.empty() && (s = contain([&] { return api_.stream_sync(stream_); })) != TSR_OK)
    problem = fail("stream_sync", s);
  if ((s = contain([&] { return api_.module_unload(module); })) != TSR_OK && problem.empty())
    problem = fail("module_unload", s);
  return problem;
}

std::string DeviceSession::run(const Case &c, const plugin::CompileOutput &compiled,
                               std::vector<std::vector<uint8_t>> &buffers) {
  std::vector<uint64_t> bases(buffers.size()), addresses(buffers.size());
  std::string problem;
  for (size_t i = 0; i < buffers.size() && problem.empty(); ++i) {
    std::vector<uint8_t> whole(buffers[i].size() + 2 * kFence, kFenceByte);
    std::copy(buffers[i].begin(), buffers[i].end(), whole.begin() + kFence);
    tsr_status s =
        contain([&] { return api_.mem_alloc(device_, nullptr, whole.size(), 0, TSR_MEM_DEVICE, &bases[i]); });
    problem = s != TSR_OK ? fail("mem_alloc", s) : move(bases[i], whole.data(), whole.size(), true);
    addresses[i] = bases[i] + kFence;
  }
  if (problem.empty())
    problem = launch(c, compiled, addresses);
  for (size_t i = 0; i < buffers.size(); ++i) {
    std::vector<uint8_t> whole(buffers[i].size() + 2 * kFence);
    if (problem.empty())
      problem = move(bases[i], whole.data(), whole.size(), false);
    auto fenced = [](uint8_t b) { return b == kFenceByte; };
    if (problem.empty() && !(std::all_of(whole.begin(), whole.begin() + kFence, fenced) &&
                             std::all_of(whole.end() - kFence, whole.end(), fenced)))
      problem = "the kernel wrote outside of buffer " + std::to_string(i);
    if (problem.empty())
      buffers[i].assign(whole.begin() + kFence, whole.end() - kFence);
    contain([&] { return api_.mem_free(device_, nullptr, bases[i]); });
  }
  return problem;
}

} // namespace tessera::conformance
