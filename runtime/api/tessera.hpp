// tessera.hpp - tessera.h for C++: objects that give themselves back, errors as exceptions
//
// SPDX-License-Identifier: Apache-2.0
//
// Header-only, C++17, standard library only. Everything that tessera.h says about threads, streams and faults holds here.
// Objects are movable, not copyable; a moved-from object may only be destroyed or assigned to.
//
//   tessera::Device device("cpu");
//   tessera::Module module(device, "add.tk");
//   tessera::Buffer x(device, n * 4), y(device, n * 4);
//   x.write(host.data(), n * 4);
//   module.kernel("add")({(n + 1023) / 1024}, x, y, n);
//   y.read(host.data(), n * 4);
#pragma once

#include "tessera.h" // beside this file, in the tree and in the wheel

#include <cstddef>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tessera {

// A failed call. Copies what the C interface keeps a thread.
class Error : public std::exception {
public:
  explicit Error(tsr_status status) : status_(status), message_(tsr_error_message()) {
    for (uint32_t i = 0; const char *text = tsr_error_diagnostic(i); ++i)
      diagnostics_.emplace_back(text);
    text_ = std::string(tsr_status_name(status)) + ": " + message_;
  }
  tsr_status status() const noexcept { return status_; }
  const std::string &message() const noexcept { return message_; }
  const std::vector<std::string> &diagnostics() const noexcept { return diagnostics_; }
  const char *what() const noexcept override { return text_.c_str(); }

private:
  tsr_status status_;
  std::string message_, text_;
  std::vector<std::string> diagnostics_;
};

// Throws where the status is an error; gives it back otherwise (TSR_OK or TSR_NOT_READY).
inline tsr_status check(tsr_status status) {
  if (status < 0)
    throw Error(status);
  return status;
}

// One programs-in-x-y-z triple; missing ones are 1.
struct Grid {
  int32_t size[3] = {1, 1, 1};
  Grid(int32_t x, int32_t y = 1, int32_t z = 1) : size{x, y, z} {}
};

namespace detail {
template <typename T, auto Destroy> class Handle {
public:
  Handle() = default;
  explicit Handle(T *raw) : raw_(raw) {}
  Handle(Handle &&other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Handle &operator=(Handle &&other) noexcept {
    if (this != &other) {
      reset();
      raw_ = std::exchange(other.raw_, nullptr);
    }
    return *this;
  }
  ~Handle() { reset(); }
  T *get() const { return raw_; }
  explicit operator bool() const { return raw_ != nullptr; }
  // Gives the object to the caller, who destroys it with the C function.
  T *release() { return std::exchange(raw_, nullptr); }

protected:
  void reset() {
    if (raw_)
      Destroy(std::exchange(raw_, nullptr));
  }
  T *raw_ = nullptr;
};
} // namespace detail

class Device : public detail::Handle<TsrDevice, tsr_device_close> {
public:
  using Options = std::initializer_list<std::pair<const char *, const char *>>;
  // which: as tsr_device_open; without it, the best device there is.
  Device() : Device("native") {}
  explicit Device(const char *which, Options options = {}) {
    std::vector<TsrOption> list = plain(options);
    check(tsr_device_open(which, list.data(), static_cast<uint32_t>(list.size()), &raw_));
  }
  // A device of a plugin table (const tsr_plugin_api *).
  static Device ofPlugin(const void *pluginApi, uint32_t ordinal = 0, Options options = {}) {
    std::vector<TsrOption> list = plain(options);
    TsrDevice *raw = nullptr;
    check(tsr_device_open_plugin(pluginApi, ordinal, list.data(), static_cast<uint32_t>(list.size()), &raw));
    return adopt(raw);
  }
  // A handle of the C interface; from now on this object closes it.
  static Device adopt(TsrDevice *raw) {
    Device device{Nothing()};
    device.raw_ = raw;
    return device;
  }

  TsrDeviceInfo info() const {
    TsrDeviceInfo info = {};
    info.size = sizeof(info);
    check(tsr_device_describe(raw_, &info));
    return info;
  }
  void sync() const { check(tsr_device_sync(raw_)); }
  void setPrint(void (*print)(void *user, const char *text, uint64_t bytes), void *user) {
    check(tsr_device_set_print(raw_, print, user));
  }

private:
  struct Nothing {};
  explicit Device(Nothing) {}
  static std::vector<TsrOption> plain(Options options) {
    std::vector<TsrOption> list;
    for (auto &[key, value] : options)
      list.push_back({key, value});
    return list;
  }
};

class Stream : public detail::Handle<TsrStream, tsr_stream_destroy> {
public:
  // flags: TSR_STREAM_*.
  explicit Stream(const Device &device, uint32_t flags = 0, int32_t priority = 0) {
    check(tsr_stream_create(device.get(), priority, flags, &raw_));
  }
  void sync() const { check(tsr_stream_sync(raw_)); }
  bool ready() const { return check(tsr_stream_query(raw_)) == TSR_OK; }
};

class Event : public detail::Handle<TsrEvent, tsr_event_destroy> {
public:
  explicit Event(const Device &device) { check(tsr_event_create(device.get(), &raw_)); }
  void record(const Stream *stream = nullptr) { check(tsr_event_record(raw_, stream ? stream->get() : nullptr)); }
  // Later work of the stream (nullptr: the default stream) waits for this event.
  void holdBack(const Stream *stream) const { check(tsr_event_wait(stream ? stream->get() : nullptr, raw_)); }
  bool reached() const { return check(tsr_event_query(raw_)) == TSR_OK; }
  void sync() const { check(tsr_event_sync(raw_)); }
  // Waits for both.
  uint64_t nanosecondsSince(const Event &start) const {
    uint64_t ns = 0;
    start.sync();
    sync();
    check(tsr_event_elapsed_ns(start.get(), raw_, &ns));
    return ns;
  }
};

class Buffer : public detail::Handle<TsrBuffer, tsr_buffer_destroy> {
public:
  Buffer(const Device &device, uint64_t bytes) { check(tsr_buffer_create(device.get(), bytes, &raw_)); }
  // The caller's memory as a buffer; see tsr_buffer_wrap.
  static Buffer wrap(const Device &device, void *memory, uint64_t bytes) {
    TsrBuffer *raw = nullptr;
    check(tsr_buffer_wrap(device.get(), memory, bytes, &raw));
    return Buffer(raw);
  }
  uint64_t bytes() const { return tsr_buffer_bytes(raw_); }
  uint64_t address() const { return tsr_buffer_address(raw_); }
  void *hostPointer() const { return tsr_buffer_host_pointer(raw_); }
  void write(const void *data, uint64_t n, uint64_t offset = 0, const Stream *stream = nullptr) {
    check(tsr_buffer_write(raw_, offset, data, n, stream ? stream->get() : nullptr));
  }
  void read(void *data, uint64_t n, uint64_t offset = 0, const Stream *stream = nullptr) const {
    check(tsr_buffer_read(raw_, offset, data, n, stream ? stream->get() : nullptr));
  }
  template <typename T> void fill(T value, const Stream *stream = nullptr) {
    static_assert(std::is_trivially_copyable_v<T> &&
                      (sizeof(T) == 1 || sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8),
                  "a pattern has 1, 2, 4 or 8 bytes");
    uint64_t pattern = 0;
    __builtin_memcpy(&pattern, &value, sizeof(T));
    check(tsr_buffer_fill(raw_, 0, pattern, sizeof(T), bytes(), stream ? stream->get() : nullptr));
  }

private:
  explicit Buffer(TsrBuffer *raw) : Handle(raw) {}
};

// What a launch takes: buffers, pointers, integers, bool, floats.
inline TsrArgument toArgument(const Buffer &b) { return tsr_arg_buffer(b.get()); }
inline TsrArgument toArgument(const TsrArgument &a) { return a; }
inline TsrArgument toArgument(std::nullptr_t) { return tsr_arg_pointer(nullptr); }
template <typename T, std::enable_if_t<std::is_arithmetic_v<T> || std::is_pointer_v<T>, int> = 0>
TsrArgument toArgument(T value) {
  if constexpr (std::is_pointer_v<T>)
    return tsr_arg_pointer(static_cast<const void *>(value));
  else if constexpr (std::is_floating_point_v<T>)
    return tsr_arg_float(static_cast<double>(value));
  else if constexpr (std::is_unsigned_v<T>)
    return tsr_arg_uint(value);
  else
    return tsr_arg_int(value);
}

// A view; its Module owns it.
class Kernel {
public:
  explicit Kernel(TsrKernel *raw) : raw_(raw) {}
  TsrKernel *get() const { return raw_; }
  const TsrKernelInfo &info() const { return *tsr_kernel_describe(raw_); }

  // On the default stream.
  template <typename... Args> void operator()(Grid grid, const Args &...args) const { launch(grid, nullptr, args...); }
  template <typename... Args> void launch(Grid grid, const Stream *stream, const Args &...args) const {
    const TsrArgument list[sizeof...(Args) + 1] = {toArgument(args)..., TsrArgument{}};
    check(tsr_kernel_launch(raw_, stream ? stream->get() : nullptr, grid.size, list, sizeof...(Args)));
  }

private:
  TsrKernel *raw_;
};

class Module : public detail::Handle<TsrModule, tsr_module_unload> {
public:
  Module(const Device &device, const char *path) { check(tsr_module_load_file(device.get(), path, &raw_)); }
  Module(const Device &device, const void *bytes, uint64_t n) { check(tsr_module_load(device.get(), bytes, n, &raw_)); }
  // nullptr: the only one.
  Kernel kernel(const char *name = nullptr) const {
    TsrKernel *k = nullptr;
    check(tsr_module_kernel(raw_, name, &k));
    return Kernel(k);
  }
};

} // namespace tessera
