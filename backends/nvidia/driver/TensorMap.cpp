// TensorMap.cpp - descriptors of bulk tensor copies: from text fields, and of a kernel's launches
// SPDX-License-Identifier: Apache-2.0
#include "backends/nvidia/driver/TensorMaps.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <charconv>

namespace tessera::nvidia {

namespace {
// CUDA Driver API, "Tensor Map Object Management": at most five dims, boxes of at most 256 elements a dim.
constexpr size_t kMaxTensorRank = 5;
constexpr uint64_t kMaxBox = 256;

[[noreturn]] void bad(const std::string &what) { throw sdk::Error(TSR_E_INVALID, "descriptor: " + what); }

uint64_t number(std::string_view key, std::string_view text) {
  int base = 10;
  if (text.substr(0, 2) == "0x") {
    base = 16;
    text.remove_prefix(2);
  }
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || text.empty())
    bad("field '" + std::string(key) + "' wants numbers, not '" + std::string(text) + "'");
  return value;
}

// Outermost first in the field, innermost first for the driver.
std::vector<uint64_t> reversed(const sdk::Options &fields, const char *key) {
  std::vector<uint64_t> list;
  std::string text = fields.get(key);
  for (std::string_view rest = text; !rest.empty();) {
    size_t comma = rest.find(',');
    list.insert(list.begin(), number(key, rest.substr(0, comma)));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  }
  return list;
}

// CUtensorMapDataType and bytes of an element type; tensor copies move bits, so narrow floats travel as integers.
bool dataType(uint64_t dtype, int &type, uint32_t &bytes) {
  switch (dtype) {
  case TSR_I1:
  case TSR_I8:
  case TSR_F8E5M2:
  case TSR_F8E4M3FN:
  case TSR_F8E4M3FNUZ:
  case TSR_F8E5M2FNUZ:
  case TSR_F8E4B15:
    type = 0, bytes = 1; // UINT8
    return true;
  case TSR_I16:
    type = 1, bytes = 2; // UINT16
    return true;
  case TSR_I32:
    type = 3, bytes = 4; // INT32
    return true;
  case TSR_I64:
    type = 5, bytes = 8; // INT64
    return true;
  case TSR_F16:
    type = 6, bytes = 2; // FLOAT16
    return true;
  case TSR_F32:
    type = 7, bytes = 4; // FLOAT32
    return true;
  case TSR_F64:
    type = 8, bytes = 8; // FLOAT64
    return true;
  case TSR_BF16:
    type = 9, bytes = 2; // BFLOAT16
    return true;
  default:
    return false;
  }
}

struct TensorFields {
  TensorFields() = default; // fill in, then check()
  explicit TensorFields(const sdk::Options &fields)
      : address(number("address", fields.get("address"))), shape(reversed(fields, "shape")),
        box(reversed(fields, "box")), strides(reversed(fields, "strides")),
        swizzleBytes(number("swizzle", fields.get("swizzle", "0"))), padding(fields.get("padding", "zero")) {
    if (uint64_t dtype = number("dtype", fields.get("dtype")); !dataType(dtype, type, bytes))
      bad("element type " + std::to_string(dtype) + " cannot be copied as a tensor");
    for (const std::string &key : fields.unused())
      bad("field '" + key + "' is unknown");
    check();
  }

  void check() {
    const size_t rank = shape.size();
    if (rank < 1 || rank > kMaxTensorRank)
      bad("a tensor of " + std::to_string(rank) + " dims; 1 to 5 are possible");
    if (box.size() != rank || strides.size() != rank - 1)
      bad("shape, box and strides have " + std::to_string(rank) + ", " + std::to_string(box.size()) + " and " +
          std::to_string(strides.size()) + " numbers; the last is one less than the others");
    if (address == 0 || address % 16)
      bad("address " + std::to_string(address) + " is not a multiple of 16");
    for (size_t d = 0; d < rank; ++d) {
      if (shape[d] == 0 || shape[d] > uint64_t(1) << 32)
        bad("an extent of " + std::to_string(shape[d]) + "; 1 to 2^32 are possible");
      if (box[d] == 0 || box[d] > kMaxBox)
        bad("a box of " + std::to_string(box[d]) + " elements along a dim; 1 to 256 are possible");
    }
    for (uint64_t s : strides)
      if (s % 16 || s >= uint64_t(1) << 40)
        bad("a stride of " + std::to_string(s) + " bytes; multiples of 16 below 2^40 are possible");
    const uint64_t inner = box[0] * bytes;
    if (inner % 16)
      bad("the box is " + std::to_string(inner) + " bytes along the last dim; multiples of 16 are possible");
    swizzle = swizzleBytes == 0 ? 0 : swizzleBytes == 32 ? 1 : swizzleBytes == 64 ? 2 : swizzleBytes == 128 ? 3 : -1;
    if (swizzle < 0)
      bad("a swizzle of " + std::to_string(swizzleBytes) + " bytes; 0, 32, 64, 128 are possible");
    if (swizzle && inner > swizzleBytes)
      bad("the box is " + std::to_string(inner) + " bytes along the last dim, more than the swizzle's " +
          std::to_string(swizzleBytes));
    if (padding != "zero" && padding != "nan")
      bad("padding is 'zero' or 'nan', not '" + padding + "'");
    if (padding == "nan" && type < 6)
      bad("padding 'nan' is for floating-point elements of 16 bits and more");
  }

  uint64_t address = 0;
  std::vector<uint64_t> shape, box, strides; // innermost first
  uint64_t swizzleBytes = 0;
  std::string padding;
  int type = 0, swizzle = 0;
  uint32_t bytes = 0;
};

cu::TensorMap encode(NvidiaDevice &device, TensorFields f) {
  std::vector<uint32_t> box(f.box.begin(), f.box.end()), steps(f.box.size(), 1);
  f.strides.resize(f.shape.size()); // the driver reads rank - 1; a pointer to something for rank 1
  cu::TensorMap map{};
  constexpr int kNoInterleave = 0, kPromoteL2To128Bytes = 2;
  ContextScope scope(device.api(), device.context());
  device.check(device.api().cuTensorMapEncodeTiled(&map, f.type, static_cast<uint32_t>(f.shape.size()),
                                                   reinterpret_cast<void *>(f.address), f.shape.data(),
                                                   f.strides.data(), box.data(), steps.data(), kNoInterleave, f.swizzle,
                                                   kPromoteL2To128Bytes, f.padding == "nan"),
               "the driver refuses the descriptor");
  return map;
}
} // namespace

std::string NvidiaDevice::encodeDescriptor(const sdk::Options &options) {
  throwIfLost(nullptr);
  refuseWhileCapturing("descriptor_encode");
  if (!limits_.tensorMaps)
    throw sdk::Unsupported("a tensor copy by descriptor", "", title_ + ", " + target_);
  cu::TensorMap map = encode(*this, TensorFields(options));
  return std::string(reinterpret_cast<const char *>(map.opaque), sizeof map.opaque);
}

// ---- of launches -----------------------------------------------------------------------------------------------------

TensorMaps::TensorMaps(NvidiaDevice &device, std::vector<MapRecipe> recipes, uint64_t argumentBytes)
    : device_(device), recipes_(std::move(recipes)), argumentBytes_(argumentBytes) {
  size_t numbers = 0;
  for (const MapRecipe &r : recipes_) {
    numbers += r.numbers.size();
    uint32_t bytes = 0;
    int type = 0;
    if (!dataType(r.elem, type, bytes))
      throw sdk::Error(TSR_E_BAD_ARTIFACT, "a tensor map of element type " + std::to_string(r.elem));
  }
  last_.resize(numbers);
}

void TensorMaps::place(std::vector<uint64_t> offsets, uint64_t bytes) {
  offsets_ = std::move(offsets);
  block_.assign(bytes, 0);
}

// What the array is called by in a message: the number of the map, as kernels have no names for them.
cu::TensorMap TensorMaps::make(const MapRecipe &r, const int64_t *numbers) const {
  TensorFields f;
  dataType(r.elem, f.type, f.bytes);
  f.address = static_cast<uint64_t>(numbers[0]);
  f.swizzleBytes = r.swizzleBytes;
  f.padding = r.nanFill ? "nan" : "zero";
  const int64_t *extents = numbers + 1, *strides = extents + r.rank;
  // Nothing of an empty array is read; it may have no address. Nor is it known where an array ends that a kernel reads through a pointer without a bound.
  constexpr int64_t kUnbounded = INT32_MAX;
  if (f.address == 0 && std::any_of(extents, extents + r.rank, [](int64_t n) { return n < 1 || n == kUnbounded; }))
    f.address = kTensorMapAlignment;
  for (uint32_t d = r.rank; d-- > 0;) {
    f.shape.push_back(static_cast<uint64_t>(std::max<int64_t>(extents[d], 1)));
    f.box.push_back(static_cast<uint64_t>(r.box[d]));
    if (d + 1 == r.rank)
      continue;
    // One row has no stride: any that the driver takes will do.
    uint64_t stride = static_cast<uint64_t>(strides[d]) * f.bytes;
    f.strides.insert(f.strides.end(), extents[d] <= 1 && stride % 16 ? 16 : stride);
  }
  f.check();
  return encode(device_, std::move(f));
}

void TensorMaps::fill(const void *arguments, uint8_t *out) {
  std::lock_guard lock(mutex_);
  if (!made_ || std::memcmp(block_.data(), arguments, argumentBytes_) != 0)
    update(static_cast<const uint8_t *>(arguments));
  std::memcpy(out, block_.data(), block_.size());
}

// Other arguments: maps whose numbers are those of the last launch stay.
void TensorMaps::update(const uint8_t *arguments) {
  const bool known = std::exchange(made_, false); // should make() throw, nothing is known of its map
  int64_t *last = last_.data();
  for (size_t i = 0; i < recipes_.size(); last += recipes_[i].numbers.size(), ++i) {
    const MapRecipe &r = recipes_[i];
    std::array<int64_t, 2 * kMaxMapRank> numbers{};
    for (size_t n = 0; n < r.numbers.size(); ++n)
      numbers[n] = evaluate(r.numbers[n], arguments);
    if (known && std::equal(last, last + r.numbers.size(), numbers.begin()))
      continue;
    cu::TensorMap map = make(r, numbers.data());
    std::memcpy(block_.data() + offsets_[i], map.opaque, kTensorMapBytes);
    std::copy_n(numbers.begin(), r.numbers.size(), last);
  }
  std::memcpy(block_.data(), arguments, argumentBytes_);
  made_ = true;
}

} // namespace tessera::nvidia
