// Module.cpp - loading machine code and PTX
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/driver/Module.h"

#include "backends/nvidia/driver/Stream.h"
#include "backends/nvidia/image/Artifact.h"
#include "backends/nvidia/target/Architecture.h"

namespace tessera::nvidia {

namespace {
constexpr size_t kLogBytes = 16 << 10;
constexpr size_t kImageAlignment = 16;

[[noreturn]] void badArtifact(const std::string &why) {
  throw sdk::Error(TSR_E_BAD_ARTIFACT, "this artifact cannot be loaded: " + why);
}

// Machine code and accelerated PTX of another device: said before the driver says less.
void checkArchitecture(const NvidiaDevice &device, const ArtifactFacts &facts) {
  uint32_t built = facts.architecture, here = device.limits().capability;
  bool runs = facts.ptx ? (facts.accelerated ? built == here : built <= here)
                        : built / 10 == here / 10 && built % 10 <= here % 10;
  if (built && !runs)
    badArtifact("it is " + std::string(facts.ptx ? "PTX" : "machine code") + " for sm_" + std::to_string(built) +
                (facts.accelerated ? "a" : "") + ", " + device.title() + " is " + device.target() +
                ": compile for --target=" + device.target());
}

std::string_view firstLine(std::string_view text) {
  size_t from = text.find_first_not_of(" \r\n\t");
  if (from == std::string_view::npos)
    return {};
  return text.substr(from, text.find('\n', from) - from);
}
} // namespace

NvidiaModule::NvidiaModule(NvidiaDevice &device, const void *artifact, uint64_t bytes, const sdk::Sink &sink)
    : device_(device) {
  ArtifactFacts facts = inspectArtifact(artifact, bytes);
  if (!facts.problem.empty())
    badArtifact(facts.problem);
  checkArchitecture(device, facts);
  const char *image = static_cast<const char *>(artifact);
  std::vector<char> copy;
  if ((facts.ptx && image[bytes - 1] != '\0') ||
      (!facts.ptx && reinterpret_cast<uintptr_t>(image) % kImageAlignment != 0)) {
    copy.assign(image, image + bytes);
    copy.push_back('\0');
    image = copy.data();
  }
  ContextScope scope(device_.api(), device_.context());
  RelaxedCapture relaxed(device_.api());
  load(image, facts.ptx, sink);
  try {
    connectMessages();
    mapWords_ = readWords(kTensorMapsGlobal, "tensor maps");
    strideWords_ = readWords(kGridStridesGlobal, "grid strides");
  } catch (...) {
    device_.api().cuModuleUnload(module_);
    throw;
  }
}

void NvidiaModule::load(const void *image, bool ptx, const sdk::Sink &sink) {
  std::vector<char> errors(kLogBytes), remarks(kLogBytes);
  cu::JitOption keys[] = {cu::kJitErrorLogBytes, cu::kJitErrorLog, cu::kJitInfoLogBytes, cu::kJitInfoLog,
                          cu::kJitLineInfo};
  void *values[] = {reinterpret_cast<void *>(errors.size() - 1), errors.data(),
                    reinterpret_cast<void *>(remarks.size() - 1), remarks.data(), reinterpret_cast<void *>(1)};
  cu::Result r = device_.api().cuModuleLoadDataEx(&module_, image, 5, keys, values);
  if (r == cu::kSuccess)
    return;
  if (isSticky(r) || statusOf(r) == TSR_E_OOM_DEVICE)
    device_.fail(r, "a module cannot be loaded", nullptr);
  std::string_view log(errors.data());
  std::string message = "this artifact cannot be loaded on " + device_.title() + ": " + device_.api().describe(r);
  if (std::string_view line = firstLine(log); !line.empty())
    message += ": " + std::string(line);
  if (r == cu::kUnsupportedPtx)
    message += ": the PTX is newer than this driver (CUDA " + std::to_string(device_.api().version() / 1000) + "." +
               std::to_string(device_.api().version() % 1000 / 10) + "): update the driver, or compile to machine code";
  if (r == cu::kJitCompilerNotFound || r == cu::kJitDisabled)
    message += ": compile to machine code instead, with nvJitLink or ptxas";
  if (ptx && !log.empty())
    sink.diag(TSR_SEV_NOTE, "the driver's compiler says:\n" + std::string(log));
  tsr_status status = statusOf(r);
  throw sdk::Error(status == TSR_E_UNAVAILABLE ? status : TSR_E_BAD_ARTIFACT, message);
}

void NvidiaModule::connectMessages() {
  const cu::Api &api = device_.api();
  cu::Address port = 0, texts = 0;
  size_t portBytes = 0, textBytes = 0;
  cu::Result r = api.cuModuleGetGlobal(&port, &portBytes, module_, kMessagesGlobal);
  if (r == cu::kNotFound)
    return;
  device_.check(r, "the module's messages cannot be found");
  if (portBytes != sizeof(MessagePort))
    badArtifact(std::string(kMessagesGlobal) + " has " + std::to_string(portBytes) + " bytes instead of " +
                std::to_string(sizeof(MessagePort)));
  std::string text;
  r = api.cuModuleGetGlobal(&texts, &textBytes, module_, kTextsGlobal);
  if (r == cu::kSuccess)
    text.resize(textBytes);
  else if (r != cu::kNotFound)
    device_.check(r, "the module's texts cannot be found");
  if (!text.empty()) {
    std::lock_guard lock(device_.serviceMutex());
    device_.check(api.cuMemcpyDtoHAsync(text.data(), texts, text.size(), device_.service()),
                  "the module's texts cannot be read");
    device_.check(api.cuStreamSynchronize(device_.service()), "the module's texts cannot be read");
  }
  MessagePort value = device_.messages().attach(std::move(text));
  messages_ = value.module;
  std::lock_guard lock(device_.serviceMutex());
  device_.check(api.cuMemcpyHtoDAsync(port, &value, sizeof value, device_.service()),
                "the module's messages cannot be connected");
  device_.check(api.cuStreamSynchronize(device_.service()), "the module's messages cannot be connected");
}

std::vector<uint64_t> NvidiaModule::readWords(const char *name, const char *what) {
  const cu::Api &api = device_.api();
  cu::Address at = 0;
  size_t bytes = 0;
  cu::Result r = api.cuModuleGetGlobal(&at, &bytes, module_, name);
  if (r == cu::kNotFound)
    return {};
  device_.check(r, (std::string("the module's ") + what + " cannot be found").c_str());
  if (bytes % 8)
    badArtifact(std::string(name) + " has " + std::to_string(bytes) + " bytes");
  std::vector<uint64_t> words(bytes / 8);
  std::lock_guard lock(device_.serviceMutex());
  const std::string unread = std::string("the module's ") + what + " cannot be read";
  device_.check(api.cuMemcpyDtoHAsync(words.data(), at, bytes, device_.service()), unread.c_str());
  device_.check(api.cuStreamSynchronize(device_.service()), unread.c_str());
  return words;
}

NvidiaModule::~NvidiaModule() {
  if (messages_)
    device_.messages().detach(messages_);
  ContextScope scope(device_.api(), device_.context());
  for (const auto &kernel : kernels_)
    device_.forget(*kernel);
  RelaxedCapture relaxed(device_.api());
  device_.api().cuModuleUnload(module_);
}

sdk::Kernel &NvidiaModule::kernel(const sdk::KernelInfo &info) {
  device_.throwIfLost(nullptr);
  device_.refuseWhileCapturing("kernel_get");
  ContextScope scope(device_.api(), device_.context());
  RelaxedCapture relaxed(device_.api());
  std::vector<MapRecipe> maps;
  if (!readMaps(mapWords_, info.name, info.argBytes, maps))
    badArtifact("its tensor maps are malformed");
  std::optional<GridStride> stride;
  if (!readGridStride(strideWords_, info.name, info.argBytes, stride))
    badArtifact("its grid strides are malformed");
  kernels_.push_back(std::make_unique<NvidiaKernel>(device_, module_, info, std::move(maps), std::move(stride)));
  return *kernels_.back();
}

} // namespace tessera::nvidia
