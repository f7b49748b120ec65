// Error.hpp - how a plugin's C++ reports failure: exceptions inside, a status and a diagnostic outside
//
// SPDX-License-Identifier: Apache-2.0
//
// Throw tessera::sdk::Error (or Unsupported, NotFound, …) anywhere below an SDK entry point. The entry point turns it into
// the status, sends one error diagnostic to the call's sink, and keeps the text for tsr_plugin_api.last_error. Any other
// exception becomes TSR_E_INTERNAL with its what(); none leaves the plugin (R6). C++17.
#pragma once

#include "plugins/abi/plugin.h"

#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

namespace tessera::sdk {

inline std::string_view view(tsr_str s) { return s.p ? std::string_view(s.p, s.n) : std::string_view(); }
inline tsr_str str(std::string_view s) { return {s.data(), s.size()}; }

// A failure with its place. file, line, column, op: from the bytecode where known.
class Error : public std::exception {
public:
  Error(tsr_status status, std::string message) : status(status), message(std::move(message)) {}
  Error &at(std::string f, uint32_t l, uint32_t c = 0) {
    file = std::move(f);
    line = l;
    column = c;
    return *this;
  }
  Error &inOp(std::string name) {
    op = std::move(name);
    return *this;
  }
  const char *what() const noexcept override { return message.c_str(); }

  tsr_status status;
  std::string message, file, op;
  uint32_t line = 0, column = 0;
};

// "dot of f64 on acme2 is not supported": op, type and target are obligatory (R6).
class Unsupported : public Error {
public:
  Unsupported(std::string_view what, std::string_view type, std::string_view target)
      : Error(TSR_E_UNSUPPORTED, std::string(what) + (type.empty() ? "" : " of " + std::string(type)) + " on " +
                                     std::string(target) + " is not supported") {
    op = std::string(what);
  }
};
class NotFound : public Error {
public:
  explicit NotFound(std::string message) : Error(TSR_E_NOT_FOUND, std::move(message)) {}
};
class Unavailable : public Error {
public:
  explicit Unavailable(std::string message) : Error(TSR_E_UNAVAILABLE, std::move(message)) {}
};
class Cancelled : public Error {
public:
  Cancelled() : Error(TSR_E_CANCELLED, "cancelled") {}
};

namespace detail {
inline std::string &lastErrorText() {
  static thread_local std::string text;
  return text;
}
inline const tsr_host_api *&host() {
  static const tsr_host_api *api = nullptr;
  return api;
}

inline tsr_status report(const tsr_sink *sink, const Error &e) noexcept {
  try {
    lastErrorText() = e.message;
  } catch (...) { // no memory for the text; the status says what it can
  }
  if (sink && TSR_HAS(tsr_sink, sink, diag)) {
    tsr_diag d{};
    d.h.size = sizeof d;
    d.severity = TSR_SEV_ERROR;
    d.message = str(e.message);
    d.file = str(e.file);
    d.ir_op = str(e.op);
    d.line = e.line;
    d.col = e.column;
    sink->diag(sink->user, &d);
  }
  // A status that is no error would hide the failure.
  return e.status < 0 ? e.status : TSR_E_INTERNAL;
}
inline tsr_status reportText(const tsr_sink *sink, tsr_status status, const char *text) noexcept {
  try {
    return report(sink, Error(status, text));
  } catch (...) {
    return status;
  }
}

// Runs `body` (returns nothing, or a tsr_status) and lets no exception out.
template <typename Body> tsr_status guard(const tsr_sink *sink, Body &&body) noexcept {
  try {
    if constexpr (std::is_void_v<decltype(body())>) {
      body();
      return TSR_OK;
    } else {
      return body();
    }
  } catch (const Error &e) {
    return report(sink, e);
  } catch (const std::bad_alloc &) {
    return reportText(sink, TSR_E_OOM_HOST, "out of host memory");
  } catch (const std::exception &e) {
    return reportText(sink, TSR_E_INTERNAL, e.what());
  } catch (...) {
    return reportText(sink, TSR_E_INTERNAL, "an exception of unknown type");
  }
}

template <typename T> struct FirstSize;
#define TSR_STRUCT(type, first, last, Kind)                                                                            \
  template <> struct FirstSize<type> {                                                                                 \
    static constexpr uint32_t value = first;                                                                           \
  };
#include "plugins/abi/structs.def"

// An input struct as this build knows it (R1): fields that the caller does not have read as 0; a tail that this build does
// not know must be zero. `chained` kinds are refused unless optional: no struct of this version has a chain.
template <typename T> class Input {
public:
  explicit Input(const T *p) {
    if (!p)
      throw Error(TSR_E_INVALID, "a struct argument is NULL");
    if (p->h.size == sizeof(T) && !p->h.next && p->h.kind == 0) {
      in_ = p;
      return;
    }
    check(p);
    copy_ = T{};
    std::memcpy(&copy_, p, p->h.size < sizeof(T) ? p->h.size : sizeof(T));
    in_ = &copy_;
  }
  Input(const Input &) = delete;
  const T *operator->() const { return in_; }
  const T &operator*() const { return *in_; }

private:
  static void check(const T *p) {
    if (p->h.size < FirstSize<T>::value)
      throw Error(TSR_E_TOO_OLD, "a struct of " + std::to_string(p->h.size) + " bytes, its first version has " +
                                     std::to_string(FirstSize<T>::value));
    if (p->h.kind != 0)
      throw Error(TSR_E_INVALID, "the first struct of a chain has kind " + std::to_string(p->h.kind));
    const auto *bytes = reinterpret_cast<const unsigned char *>(p);
    for (uint64_t i = sizeof(T); i < p->h.size; ++i)
      if (bytes[i])
        throw Error(TSR_E_TOO_NEW, "byte " + std::to_string(i) + " of a struct is set, this plugin knows " +
                                       std::to_string(sizeof(T)) + " bytes of it");
    int hops = 0;
    for (auto *n = static_cast<const tsr_hdr *>(p->h.next); n; n = static_cast<const tsr_hdr *>(n->next)) {
      if (++hops > 32)
        throw Error(TSR_E_INVALID, "a chain of structs that does not end");
      if (!(n->kind & TSR_KIND_OPTIONAL))
        throw Error(TSR_E_TOO_NEW, "a chained struct of unknown kind " + std::to_string(n->kind));
    }
  }
  T copy_;
  const T *in_;
};

// Writes what the caller's struct has room for; its header stays the caller's.
template <typename T> void writeOutput(T *out, const T &value) {
  if (!out)
    throw Error(TSR_E_INVALID, "a struct argument is NULL");
  if (out->h.size < FirstSize<T>::value)
    throw Error(TSR_E_TOO_OLD, "a struct of " + std::to_string(out->h.size) + " bytes, its first version has " +
                                   std::to_string(FirstSize<T>::value));
  uint64_t n = out->h.size < sizeof(T) ? out->h.size : sizeof(T);
  std::memcpy(reinterpret_cast<char *>(out) + sizeof(tsr_hdr), reinterpret_cast<const char *>(&value) + sizeof(tsr_hdr),
              n - sizeof(tsr_hdr));
}

template <typename T> T &need(T *p, const char *what) {
  if (!p)
    throw Error(TSR_E_INVALID, std::string(what) + " is NULL");
  return *p;
}
} // namespace detail

// A line for the host's log: from any thread, any time.
inline void log(int32_t severity, std::string_view component, std::string_view message) {
  const tsr_host_api *h = detail::host();
  if (TSR_HAS(tsr_host_api, h, log))
    h->log(h->user, severity, str(component), str(message));
}

// The host's ear for one call, for code below an entry point. Valid during the call, on its thread.
class Sink {
public:
  explicit Sink(const tsr_sink *raw) : raw_(raw) {}
  void diag(int32_t severity, std::string_view message, std::string_view file = {}, uint32_t line = 0,
            uint32_t column = 0, std::string_view op = {}, uint32_t depth = 0) const {
    if (!TSR_HAS(tsr_sink, raw_, diag))
      return;
    tsr_diag d{};
    d.h.size = sizeof d;
    d.severity = severity;
    d.message = str(message);
    d.file = str(file);
    d.ir_op = str(op);
    d.line = line;
    d.col = column;
    d.depth = depth;
    raw_->diag(raw_->user, &d);
  }
  void warning(std::string_view message) const { diag(TSR_SEV_WARNING, message); }
  // Throws what the host answered, if it wants no more.
  void emit(uint32_t kind, std::string_view name, const void *bytes, uint64_t size) const {
    if (!TSR_HAS(tsr_sink, raw_, emit))
      return;
    tsr_status s = raw_->emit(raw_->user, kind, str(name), tsr_bytes{bytes, size});
    if (s < 0)
      throw Error(s, "the host took no more output");
  }
  bool cancelled() const { return TSR_HAS(tsr_sink, raw_, cancelled) && raw_->cancelled(raw_->user) != 0; }
  void throwIfCancelled() const {
    if (cancelled())
      throw Cancelled();
  }
  const tsr_sink *raw() const { return raw_; }

private:
  const tsr_sink *raw_;
};

} // namespace tessera::sdk
