// CompiledModule.cpp - the compiled kernel file
//
// SPDX-License-Identifier: Apache-2.0
//
// Little-endian. magic[8], u32 version, u32 kernels, u64 file bytes, u64 checksum (of everything behind it); then strings
// (u32 length, bytes), numbers, and the artifact (u64 length, padding to 16, bytes) at the end.
#include "runtime/launch/CompiledModule.h"

#include "runtime/cache/Hash.h"

#include <algorithm>
#include <cstring>

namespace tessera::runtime {
namespace {

constexpr char kMagic[8] = {'T', 'S', 'R', 'K', 'E', 'R', 'N', '\n'};
constexpr uint32_t kVersion = 1;
constexpr size_t kHeader = 8 + 4 + 4 + 8 + 8;
constexpr uint32_t kMaxCount = 1u << 16;

class Writer {
public:
  std::vector<uint8_t> bytes;
  void raw(const void *p, size_t n) {
    const auto *b = static_cast<const uint8_t *>(p);
    bytes.insert(bytes.end(), b, b + n);
  }
  void u32(uint32_t v) { raw(&v, 4); }
  void u64(uint64_t v) { raw(&v, 8); }
  void text(std::string_view s) {
    u32(static_cast<uint32_t>(s.size()));
    raw(s.data(), s.size());
  }
};

class Reader {
public:
  explicit Reader(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  bool ok() const { return ok_; }
  bool raw(void *p, size_t n) {
    if (!ok_ || n > bytes_.size() - at_) {
      ok_ = false;
      std::memset(p, 0, n);
      return false;
    }
    std::memcpy(p, bytes_.data() + at_, n);
    at_ += n;
    return true;
  }
  uint32_t u32() {
    uint32_t v;
    raw(&v, 4);
    return v;
  }
  uint64_t u64() {
    uint64_t v;
    raw(&v, 8);
    return v;
  }
  std::string text() {
    uint32_t n = u32();
    if (!ok_ || n > bytes_.size() - at_) {
      ok_ = false;
      return {};
    }
    std::string s(reinterpret_cast<const char *>(bytes_.data()) + at_, n);
    at_ += n;
    return s;
  }
  void align(size_t n) { at_ = std::min((at_ + n - 1) / n * n, bytes_.size()); }
  size_t at() const { return at_; }
  size_t left() const { return bytes_.size() - at_; }

private:
  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
  bool ok_ = true;
};

void writeKernel(Writer &w, const KernelInfo &k) {
  w.text(k.name);
  for (uint32_t v : {k.argBytes, k.argAlign, k.flags})
    w.u32(v);
  for (uint32_t v : k.block)
    w.u32(v);
  for (uint32_t v : k.cluster)
    w.u32(v);
  for (uint64_t v : {k.sharedStatic, k.sharedDynamic, k.scratch})
    w.u64(v);
  w.u32(k.registers);
  w.u32(k.spills);
  w.u32(static_cast<uint32_t>(k.parameters.size()));
  for (const ParameterInfo &p : k.parameters) {
    w.text(p.name);
    for (uint32_t v : {p.offset, p.size, p.kind, p.flags})
      w.u32(v);
  }
}

// Ascending, inside the block, each aligned to its size: what packing relies on.
bool parametersFit(const KernelInfo &k) {
  uint64_t end = 0;
  for (const ParameterInfo &p : k.parameters) {
    bool size = p.size == 1 || p.size == 2 || p.size == 4 || p.size == 8;
    if (!size || p.offset % p.size || p.offset < end || uint64_t(p.offset) + p.size > k.argBytes)
      return false;
    if (p.kind == TSR_ARG_POINTER ? p.size != 8 : p.kind == TSR_ARG_FLOAT ? p.size < 2 : p.kind != TSR_ARG_INT)
      return false;
    end = uint64_t(p.offset) + p.size;
  }
  return k.argBytes <= (1u << 20);
}

bool readKernel(Reader &r, KernelInfo &k) {
  k.name = r.text();
  k.argBytes = r.u32();
  k.argAlign = r.u32();
  k.flags = r.u32();
  for (uint32_t &v : k.block)
    v = r.u32();
  for (uint32_t &v : k.cluster)
    v = r.u32();
  k.sharedStatic = r.u64();
  k.sharedDynamic = r.u64();
  k.scratch = r.u64();
  k.registers = r.u32();
  k.spills = r.u32();
  uint32_t n = r.u32();
  if (!r.ok() || n > kMaxCount || n > r.left() / 20)
    return false;
  k.parameters.resize(n);
  for (ParameterInfo &p : k.parameters) {
    p.name = r.text();
    p.offset = r.u32();
    p.size = r.u32();
    p.kind = r.u32();
    p.flags = r.u32();
  }
  return r.ok() && !k.name.empty() && parametersFit(k);
}

} // namespace

KernelInfo KernelInfo::from(const tsr_kernel_info &given) {
  tsr_kernel_info info = {};
  std::memcpy(&info, &given, std::min<size_t>(given.h.size, sizeof(info)));
  KernelInfo k;
  k.name.assign(info.name.p ? info.name.p : "", info.name.n);
  k.argBytes = info.arg_bytes;
  k.argAlign = info.arg_align;
  k.flags = info.flags;
  for (uint32_t i = 0; info.args && i < info.n_args; ++i) {
    const tsr_arg &a = info.args[i];
    k.parameters.push_back({std::string(a.name.p ? a.name.p : "", a.name.n), a.offset, a.size, a.kind, a.flags});
  }
  std::memcpy(k.block, info.block, sizeof(k.block));
  std::memcpy(k.cluster, info.cluster, sizeof(k.cluster));
  k.sharedStatic = info.smem_static;
  k.sharedDynamic = info.smem_dynamic;
  k.scratch = info.scratch;
  k.registers = info.regs;
  k.spills = info.spills;
  return k;
}

KernelInfoView::KernelInfoView(const KernelInfo &k) {
  for (const ParameterInfo &p : k.parameters)
    args_.push_back({{p.name.data(), p.name.size()}, p.offset, p.size, p.kind, p.flags});
  info_.h.size = sizeof(info_);
  info_.name = {k.name.data(), k.name.size()};
  info_.arg_bytes = k.argBytes;
  info_.arg_align = k.argAlign;
  info_.n_args = static_cast<uint32_t>(args_.size());
  info_.flags = k.flags;
  info_.args = args_.data();
  std::memcpy(info_.block, k.block, sizeof(k.block));
  std::memcpy(info_.cluster, k.cluster, sizeof(k.cluster));
  info_.smem_static = k.sharedStatic;
  info_.smem_dynamic = k.sharedDynamic;
  info_.scratch = k.scratch;
  info_.regs = k.registers;
  info_.spills = k.spills;
}

std::vector<uint8_t> encodeCompiledModule(const CompiledModule &module) {
  Writer w;
  w.raw(kMagic, 8);
  w.u32(kVersion);
  w.u32(static_cast<uint32_t>(module.kernels.size()));
  w.u64(0); // file bytes and checksum, below
  w.u64(0);
  w.text(module.plugin);
  w.text(module.target);
  for (const KernelInfo &k : module.kernels)
    writeKernel(w, k);
  w.u64(module.artifact.size());
  while (w.bytes.size() % 16)
    w.bytes.push_back(0);
  w.raw(module.artifact.data(), module.artifact.size());
  uint64_t total = w.bytes.size();
  uint64_t sum = checksum64(std::span(w.bytes).subspan(kHeader));
  std::memcpy(&w.bytes[16], &total, 8);
  std::memcpy(&w.bytes[24], &sum, 8);
  return std::move(w.bytes);
}

bool looksLikeCompiledModule(std::span<const uint8_t> bytes) {
  return bytes.size() >= 8 && std::memcmp(bytes.data(), kMagic, 8) == 0;
}

bool decodeCompiledModule(std::span<const uint8_t> bytes, CompiledModule &out, tsr_status &status, std::string &why) {
  auto refuse = [&](tsr_status s, std::string text) {
    status = s;
    why = std::move(text);
    return false;
  };
  if (!looksLikeCompiledModule(bytes))
    return refuse(TSR_E_BAD_ARTIFACT, "not a compiled kernel file: the magic number is missing");
  Reader r(bytes);
  char magic[8];
  r.raw(magic, 8);
  uint32_t version = r.u32(), kernels = r.u32();
  uint64_t total = r.u64(), sum = r.u64();
  if (!r.ok())
    return refuse(TSR_E_BAD_ARTIFACT, "the compiled kernel file is truncated");
  if (version != kVersion)
    return refuse(version > kVersion ? TSR_E_TOO_NEW : TSR_E_TOO_OLD,
                  "the compiled kernel file has format " + std::to_string(version) + ", this runtime reads " +
                      std::to_string(kVersion) + ": compile the kernel again");
  if (total != bytes.size())
    return refuse(TSR_E_BAD_ARTIFACT, "the compiled kernel file has " + std::to_string(bytes.size()) +
                                          " bytes instead of " + std::to_string(total) +
                                          ": it is truncated or has something appended");
  if (checksum64(bytes.subspan(kHeader)) != sum)
    return refuse(TSR_E_BAD_ARTIFACT, "the checksum of the compiled kernel file does not fit: the bytes were damaged");
  CompiledModule m;
  m.plugin = r.text();
  m.target = r.text();
  if (!r.ok() || kernels == 0 || kernels > kMaxCount)
    return refuse(TSR_E_BAD_ARTIFACT, "the compiled kernel file claims " + std::to_string(kernels) + " kernels");
  for (uint32_t i = 0; i < kernels; ++i) {
    KernelInfo &k = m.kernels.emplace_back();
    if (!readKernel(r, k))
      return refuse(TSR_E_BAD_ARTIFACT, "kernel " + std::to_string(i) + " of the compiled kernel file is malformed");
  }
  uint64_t artifact = r.u64();
  r.align(16);
  if (!r.ok() || artifact != r.left())
    return refuse(TSR_E_BAD_ARTIFACT, "the machine code of the compiled kernel file does not fill it");
  m.artifact.assign(bytes.begin() + static_cast<ptrdiff_t>(r.at()), bytes.end());
  out = std::move(m);
  status = TSR_OK;
  return true;
}

} // namespace tessera::runtime
