// Kit.h - the levels of the conformance kit
//
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/conformance/Case.h"
#include "plugins/conformance/Report.h"
#include "plugins/host/PluginCompiler.h"
#include "plugins/loader/Registry.h"

#include <memory>

namespace tessera::conformance {

// The case that runs now, for the handler of fatal signals. Cheap; one thread sets it.
void setCurrentCase(const std::string &name);

struct KitOptions {
  std::string filter = "*"; // of case names
  std::string target;       // empty: the plugin's own device, else the first target it lists
  unsigned stride = 1;      // run every n-th case of L1, for a quick look
};

// The plugin under test, as far as it could be loaded.
struct Subject {
  const plugin::Candidate *candidate = nullptr;
  plugin::Registry *registry = nullptr;
  const plugin::Library *compiler = nullptr, *driver = nullptr;
  std::shared_ptr<const plugin::PluginTarget> target; // of the compiler library
};

// L0: load, lint, targets, struct sizes. No hardware. Fills the subject.
void runLoadLevel(Subject &subject, const KitOptions &options, Report &report);
void checkTargets(const Subject &subject, Report &report);
void fuzzStructSizes(const Subject &subject, Report &report);
// L1: every kernel of allCases(): compile, and, where a driver has a device here, run and compare with the interpreter.
void runCompileLevel(Subject &subject, const KitOptions &options, Report &report);

// A device of the subject's driver with one stream.
class DeviceSession {
public:
  // NULL with a reason where there is no device.
  static std::unique_ptr<DeviceSession> open(const plugin::Library &driver, std::string &why);
  ~DeviceSession();
  const std::string &target() const { return target_; }
  // Runs the case's kernel; `buffers` in, out. Empty, or what went wrong. Checks the bytes around every buffer.
  std::string run(const Case &c, const plugin::CompileOutput &compiled, std::vector<std::vector<uint8_t>> &buffers);

private:
  explicit DeviceSession(const plugin::Library &library) : library_(library), api_(*library.driver()) {}
  std::string fail(const char *what, tsr_status s);
  std::string launch(const Case &c, const plugin::CompileOutput &compiled, const std::vector<uint64_t> &addresses);
  std::string move(uint64_t device, void *host, uint64_t bytes, bool toDevice);
  const plugin::Library &library_;
  const tsr_driver_api &api_;
  tsr_device *device_ = nullptr;
  tsr_stream *stream_ = nullptr;
  std::string target_;
};

} // namespace tessera::conformance
