// KernelProcess.cpp - the two ends of the socket, and the launch itself
// SPDX-License-Identifier: Apache-2.0
#include "tests/device/KernelProcess.h"

#include "runtime/api/tessera.h"

#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <thread>

namespace tessera::device {

namespace {
constexpr uint64_t kGuard = 256; // bytes before and behind every buffer
constexpr uint8_t kGuardByte = 0xa5;
constexpr uint64_t kMostBytes = uint64_t(1) << 32; // of a message; more is a broken one
constexpr double kStartSeconds = 120;              // a device's first open can take this long
constexpr double kEndSeconds = 20;                 // for closing it, and for what a tool around the process has to say

// ---- messages: a length, then fields ----------------------------------------------------------------------------------

class Writer {
public:
  void number(uint64_t v) { text_.append(reinterpret_cast<const char *>(&v), sizeof v); }
  void bytes(const void *p, size_t n) {
    number(n);
    text_.append(static_cast<const char *>(p), n);
  }
  void buffers(const Buffers &all) {
    number(all.size());
    for (const auto &b : all)
      bytes(b.data(), b.size());
  }
  const std::string &text() const { return text_; }

private:
  std::string text_;
};

class Reader {
public:
  explicit Reader(const std::string &text) : text_(text) {}
  uint64_t number() {
    uint64_t v = 0;
    if (text_.size() - at_ >= sizeof v) {
      std::memcpy(&v, text_.data() + at_, sizeof v);
      at_ += sizeof v;
    }
    return v;
  }
  std::string bytes() {
    size_t n = std::min<size_t>(number(), text_.size() - at_);
    at_ += n;
    return text_.substr(at_ - n, n);
  }
  Buffers buffers() {
    Buffers all(std::min<size_t>(number(), text_.size()));
    for (auto &b : all) {
      std::string s = bytes();
      b.assign(s.begin(), s.end());
    }
    return all;
  }

private:
  const std::string &text_;
  size_t at_ = 0;
};

bool sendAll(int socket, const void *data, size_t n) {
  const char *p = static_cast<const char *>(data);
  while (n > 0) {
    ssize_t sent = ::send(socket, p, n, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent <= 0)
      return false;
    p += sent;
    n -= static_cast<size_t>(sent);
  }
  return true;
}

bool sendMessage(int socket, const std::string &text) {
  uint64_t n = text.size();
  return sendAll(socket, &n, sizeof n) && sendAll(socket, text.data(), n);
}

enum class Received : uint8_t { Whole, Closed, Late };

Received receiveAll(int socket, void *data, size_t n, std::optional<std::chrono::steady_clock::time_point> until) {
  char *p = static_cast<char *>(data);
  while (n > 0) {
    if (until) {
      auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*until - std::chrono::steady_clock::now());
      pollfd wait{socket, POLLIN, 0};
      int ready = left.count() > 0 ? poll(&wait, 1, static_cast<int>(left.count())) : 0;
      if (ready < 0 && errno == EINTR)
        continue;
      if (ready <= 0)
        return Received::Late;
    }
    ssize_t got = recv(socket, p, n, 0);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return Received::Closed;
    p += got;
    n -= static_cast<size_t>(got);
  }
  return Received::Whole;
}

Received receiveMessage(int socket, std::string &text, std::optional<double> seconds) {
  std::optional<std::chrono::steady_clock::time_point> until;
  if (seconds)
    until = std::chrono::steady_clock::now() + std::chrono::milliseconds(static_cast<int64_t>(1000 * *seconds));
  uint64_t n = 0;
  Received r = receiveAll(socket, &n, sizeof n, until);
  if (r != Received::Whole)
    return r;
  if (n > kMostBytes)
    return Received::Closed;
  text.resize(n);
  return receiveAll(socket, text.data(), n, until);
}

std::string encode(const Launch &l) {
  Writer w;
  w.bytes(l.artifact.data(), l.artifact.size());
  for (uint32_t g : l.grid)
    w.number(g);
  w.number(l.parameters.size());
  for (auto [isBuffer, value] : l.parameters) {
    w.number(isBuffer);
    w.number(value);
  }
  w.buffers(l.buffers);
  return w.text();
}

Launch decodeLaunch(const std::string &text) {
  Reader r(text);
  Launch l;
  l.artifact = r.bytes();
  for (uint32_t &g : l.grid)
    g = static_cast<uint32_t>(r.number());
  l.parameters.resize(std::min<size_t>(r.number(), text.size()));
  for (auto &[isBuffer, value] : l.parameters) {
    isBuffer = r.number() != 0;
    value = r.number();
  }
  l.buffers = r.buffers();
  return l;
}

std::string encode(const Outcome &o) {
  Writer w;
  w.bytes(o.why.data(), o.why.size());
  w.number(o.isLost);
  w.buffers(o.buffers);
  return w.text();
}

// ---- the launch ----------------------------------------------------------------------------------------------------------

// Everything that one launch makes, given back in order.
struct Objects {
  TsrModule *module = nullptr;
  TsrKernel *kernel = nullptr;
  std::vector<TsrBuffer *> buffers;
  ~Objects() {
    for (TsrBuffer *b : buffers)
      tsr_buffer_destroy(b);
    tsr_module_unload(module);
  }
};

bool prepare(TsrDevice *device, const Launch &l, Objects &o) {
  if (tsr_module_load(device, l.artifact.data(), l.artifact.size(), &o.module) != TSR_OK ||
      tsr_module_kernel(o.module, nullptr, &o.kernel) != TSR_OK)
    return false;
  for (const auto &bytes : l.buffers) {
    std::vector<uint8_t> guarded(bytes.size() + 2 * kGuard, kGuardByte);
    std::copy(bytes.begin(), bytes.end(), guarded.begin() + kGuard);
    TsrBuffer *buffer = nullptr;
    if (tsr_buffer_create(device, guarded.size(), &buffer) != TSR_OK)
      return false;
    o.buffers.push_back(buffer);
    if (tsr_buffer_write(buffer, 0, guarded.data(), guarded.size(), nullptr) != TSR_OK)
      return false;
  }
  return true;
}

bool launch(TsrDevice *device, const Launch &l, const Objects &o) {
  const TsrKernelInfo *info = tsr_kernel_describe(o.kernel);
  std::vector<uint8_t> packed(info->arg_bytes);
  for (uint32_t i = 0; i < info->n_parameters && i < l.parameters.size(); ++i) {
    auto [isBuffer, value] = l.parameters[i];
    if (isBuffer)
      value = tsr_buffer_address(o.buffers.at(value)) + kGuard;
    std::memcpy(&packed[info->parameters[i].offset], &value, info->parameters[i].size);
  }
  int32_t grid[3] = {static_cast<int32_t>(l.grid[0]), static_cast<int32_t>(l.grid[1]), static_cast<int32_t>(l.grid[2])};
  return tsr_kernel_launch_packed(o.kernel, nullptr, grid, packed.data(), packed.size()) == TSR_OK &&
         tsr_device_sync(device) == TSR_OK;
}

// Reads the buffers back. Says in `outside` what was written between them.
bool collect(const Launch &l, const Objects &o, Buffers &got, std::string &outside) {
  for (size_t i = 0; i < o.buffers.size(); ++i) {
    std::vector<uint8_t> guarded(l.buffers[i].size() + 2 * kGuard);
    if (tsr_buffer_read(o.buffers[i], 0, guarded.data(), guarded.size(), nullptr) != TSR_OK)
      return false;
    for (size_t at = 0; at < guarded.size() && outside.empty(); ++at)
      if ((at < kGuard || at >= guarded.size() - kGuard) && guarded[at] != kGuardByte)
        outside = "buffer " + std::to_string(i) + " was written outside, at byte " +
                  std::to_string(static_cast<int64_t>(at) - static_cast<int64_t>(kGuard));
    got.emplace_back(guarded.begin() + kGuard, guarded.end() - kGuard);
  }
  return true;
}

bool isAlive(TsrDevice *device) {
  TsrBuffer *probe = nullptr;
  bool good = tsr_device_sync(device) == TSR_OK && tsr_buffer_create(device, 64, &probe) == TSR_OK;
  tsr_buffer_destroy(probe);
  return good;
}

Outcome perform(TsrDevice *device, const Launch &l) {
  Outcome out;
  Objects o;
  if (!prepare(device, l, o)) {
    out.why = std::string("before the launch: ") + tsr_error_message();
  } else if (!launch(device, l, o) || !collect(l, o, out.buffers, out.why)) {
    out.why = tsr_error_message();
    out.buffers.clear();
  }
  if (!out.why.empty())
    out.isLost = !isAlive(device);
  return out;
}

} // namespace

int serveLaunches(const std::string &which, int socket, int64_t endAt) {
  TsrDevice *device = nullptr;
  Writer hello;
  if (tsr_device_open(which.c_str(), nullptr, 0, &device) != TSR_OK) {
    hello.bytes(tsr_error_message(), std::strlen(tsr_error_message()));
    sendMessage(socket, hello.text());
    return 2;
  }
  tsr_device_set_print(device, [](void *, const char *, uint64_t) {}, nullptr);
  TsrDeviceInfo info{};
  info.size = sizeof info;
  tsr_device_describe(device, &info);
  std::string target = std::string(info.plugin) + "/" + info.target;
  hello.bytes("", 0);
  hello.bytes(info.name, std::strlen(info.name));
  hello.bytes(target.data(), target.size());
  if (!sendMessage(socket, hello.text()))
    return 1;
  std::string text;
  for (int64_t n = 0; receiveMessage(socket, text, std::nullopt) == Received::Whole; ++n) {
    if (n == endAt)
      raise(SIGKILL);
    Outcome out = perform(device, decodeLaunch(text));
    bool heard = sendMessage(socket, encode(out));
    if (out.isLost)
      _exit(0); // nothing is taken down in order: after a fault the driver may wait or abort there
    if (!heard)
      break;
  }
  tsr_device_close(device);
  return 0;
}

std::string KernelProcess::start(const std::vector<std::string> &arguments) {
  stop();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return std::string("no socket: ") + std::strerror(errno);
  // The child's end survives under its own number, which no other child of another thread inherits.
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], ends[1]);
  std::vector<std::string> words = {"device-kernels-check"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  words.push_back(std::to_string(ends[1]));
  std::vector<char *> argv;
  for (std::string &w : words)
    argv.push_back(w.data());
  argv.push_back(nullptr);
  int failure = posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  socket_ = ends[0];
  if (failure) {
    pid_ = -1;
    stop();
    return std::string("no process: ") + std::strerror(failure);
  }
  std::string text;
  if (Received r = receiveMessage(socket_, text, kStartSeconds); r != Received::Whole)
    return end(r == Received::Late ? "did not open the device in time" : "ended while it opened the device");
  Reader hello(text);
  std::string why = hello.bytes();
  if (!why.empty()) {
    stop();
    return why;
  }
  name = hello.bytes();
  target = hello.bytes();
  return {};
}

Outcome KernelProcess::run(const Launch &launch, double seconds) {
  Outcome out;
  std::string text;
  Received r = Received::Closed;
  if (sendMessage(socket_, encode(launch)))
    r = receiveMessage(socket_, text, seconds);
  if (r != Received::Whole) {
    out.isLost = true;
    out.why = end(r == Received::Late ? "gave no answer in time" : "ended");
    return out;
  }
  Reader reader(text);
  out.why = reader.bytes();
  out.isLost = reader.number() != 0;
  out.buffers = reader.buffers();
  if (out.isLost)
    stop();
  return out;
}

std::string KernelProcess::end(const char *what) {
  kill(pid_, SIGKILL);
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  stop();
  std::string text = std::string("the process that ran it ") + what;
  if (WIFSIGNALED(status))
    text += std::string(" (") + strsignal(WTERMSIG(status)) + ")";
  return text;
}

void KernelProcess::stop() {
  if (socket_ >= 0)
    close(socket_); // which the child takes as its end
  socket_ = -1;
  if (pid_ <= 0)
    return;
  auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(static_cast<int64_t>(1000 * kEndSeconds));
  while (waitpid(pid_, nullptr, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > until) { // a device in a bad state can keep it from ending
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  pid_ = -1;
}

} // namespace tessera::device
