// Run.cpp - `tessera run` and `tessera bench`: bind arguments, compile or take from the cache, launch, save
// SPDX-License-Identifier: Apache-2.0
#include "frontends/cli/Run.h"

#include "runtime/api/tessera.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iostream>

namespace tessera::cli {

namespace {

// Exit code of a failed runtime call; its message and the driver's diagnostics go to stderr.
int reportRuntime(const Session &session, tsr_status status, const std::string &what) {
  // What a kernel did is told with the kernel's name already.
  std::string_view said = tsr_error_message();
  std::string message = said.starts_with("kernel ") ? std::string(said) : what + ": " + std::string(said);
  // A driver may tell the first failure twice: as the status and among what it recorded.
  for (uint32_t i = 0; const char *d = tsr_error_diagnostic(i); ++i)
    if (message.find(d) == std::string::npos)
      message += std::string("\n  ") + d;
  // The library's message ends in the advice that the diagnostic's id brings along anyway.
  if (size_t advice = message.find("; `tessera plugins` lists"); advice != std::string::npos)
    message.resize(advice);
  switch (status) {
  case TSR_E_UNAVAILABLE:
  case TSR_E_NOT_FOUND:
    return session.report(DiagId::PluginMissing, message);
  case TSR_E_OOM_DEVICE:
  case TSR_E_OOM_HOST:
    return session.report(DiagId::OutOfMemory, message);
  case TSR_E_ASSERT:
    return session.report(DiagId::DeviceAssert, message);
  case TSR_E_LAUNCH_FAILED:
  case TSR_E_DEVICE_LOST:
    return session.report(DiagId::DeviceFault, message,
                          "run it with `tessera run --interpret`, which names the line and the element of an access "
                          "outside of the arrays");
  case TSR_E_INTERNAL:
    return session.report(DiagId::InternalError, message);
  default:
    return session.report(DiagId::LaunchFailed, message);
  }
}

// What --target says. All empty: the best device of this machine.
struct WantedTarget {
  std::string text, plugin;
  std::string spec; // in the plugin's words
};

int readTarget(const Session &session, const RunCommand &command, WantedTarget &out) {
  if (command.kernel.targets.size() > 1)
    return session.report(DiagId::BadUsage, "run takes one --target");
  if (command.kernel.targets.empty() || command.kernel.targets[0] == "native")
    return kOk;
  out.text = command.kernel.targets[0];
  return pluginOfTarget(session, out.text, out.plugin, out.spec);
}

int cannotRun(const Session &session, const std::string &target) {
  return session.report(DiagId::TargetCannot, "target '" + target + "' cannot run here: " + tsr_error_message(),
                        "`tessera compile` compiles for it, --target=native runs on the best device of this machine");
}

// A device that runs what is wanted, and what to compile for.
int chooseDevice(const Session &session, const RunCommand &command, const WantedTarget &wanted, TsrDevice **device,
                 std::string &target) {
  for (const std::string &path : session.pluginPaths)
    if (tsr_status s = tsr_plugin_add(path.c_str()); s < 0)
      return reportRuntime(session, s, "plugin '" + path + "'");
  if (int code = vetDrivers(session, command.kernel, wanted.plugin))
    return code;
  TsrOption runs = {"target", wanted.spec.c_str()};
  tsr_status s = wanted.plugin.empty() ? tsr_device_open(nullptr, nullptr, 0, device)
                                       : tsr_device_open(wanted.plugin.c_str(), &runs, 1, device);
  if (s == TSR_E_UNSUPPORTED && !wanted.plugin.empty())
    return cannotRun(session, wanted.text);
  if (s < 0)
    return reportRuntime(session, s, "no device can be opened");
  target = wanted.text;
  if (target.empty() || target == "host") {
    TsrDeviceInfo info{};
    info.size = sizeof info;
    if (s = tsr_device_describe(*device, &info); s < 0)
      return reportRuntime(session, s, "the device");
    target = std::string(info.plugin) + "/" + info.target;
  }
  return kOk;
}

struct Handles {
  TsrDevice *device = nullptr;
  TsrModule *module = nullptr;
  std::vector<TsrBuffer *> buffers;
  ~Handles() {
    for (TsrBuffer *b : buffers)
      tsr_buffer_destroy(b);
    tsr_module_unload(module);
    tsr_device_close(device);
  }
};

struct Launch {
  TsrKernel *kernel = nullptr;
  const TsrKernelInfo *info = nullptr;
  std::vector<TsrArgument> arguments; // in order of info->parameters
  std::vector<TsrBuffer *> bufferOf;  // by bound argument; null for scalars
};

// Uploads every array (again, before a timed launch).
int upload(const Session &session, const std::vector<BoundArgument> &bound, const Launch &launch) {
  for (size_t i = 0; i < bound.size(); ++i)
    if (launch.bufferOf[i])
      if (tsr_status s = tsr_buffer_write(launch.bufferOf[i], 0, bound[i].argument.array.bytes.data(),
                                          bound[i].argument.array.bytes.size(), nullptr);
          s < 0)
        return reportRuntime(session, s, "argument '" + bound[i].name + "'");
  return kOk;
}

int prepare(const Session &session, const std::vector<BoundArgument> &bound, const std::string &target,
            const std::string &file, Handles &handles, Launch &launch) {
  tsr_status loaded = tsr_module_load(handles.device, file.data(), file.size(), &handles.module);
  if (loaded == TSR_E_BAD_ARTIFACT) // what was just compiled is not damaged: it is for another device
    return cannotRun(session, target);
  if (loaded < 0)
    return reportRuntime(session, loaded, "the compiled kernel");
  if (tsr_status s = tsr_module_kernel(handles.module, nullptr, &launch.kernel); s < 0)
    return reportRuntime(session, s, "the compiled kernel");
  launch.info = tsr_kernel_describe(launch.kernel);
  for (const BoundArgument &b : bound) {
    TsrBuffer *buffer = nullptr;
    if (b.argument.kind == Argument::Array) {
      if (tsr_status s = tsr_buffer_create(handles.device, b.argument.array.bytes.size(), &buffer); s < 0)
        return reportRuntime(session, s, "argument '" + b.name + "'");
      handles.buffers.push_back(buffer);
    }
    launch.bufferOf.push_back(buffer);
  }
  for (uint32_t p = 0; p < launch.info->n_parameters; ++p) {
    const TsrParameter &parameter = launch.info->parameters[p];
    auto it =
        std::find_if(bound.begin(), bound.end(), [&](const BoundArgument &b) { return b.name == parameter.name; });
    if (it == bound.end())
      return session.report(DiagId::InternalError, "the compiled kernel has a parameter '" +
                                                       std::string(parameter.name) +
                                                       "' that no argument was given for");
    if (TsrBuffer *buffer = launch.bufferOf[static_cast<size_t>(it - bound.begin())])
      launch.arguments.push_back(tsr_arg_buffer(buffer));
    else if (parameter.kind == TSR_KIND_FLOAT)
      launch.arguments.push_back(tsr_arg_float(it->argument.floatValue));
    else if (it->argument.type[0] == 'u' || (parameter.flags & TSR_FLAG_UNSIGNED))
      launch.arguments.push_back(tsr_arg_uint(static_cast<uint64_t>(it->argument.intValue)));
    else
      launch.arguments.push_back(tsr_arg_int(it->argument.intValue));
  }
  return upload(session, bound, launch);
}

int launchOnce(const Session &session, const Handles &handles, const Launch &launch, const std::array<int64_t, 3> &grid,
               const std::string &kernel) {
  int32_t g[3] = {static_cast<int32_t>(grid[0]), static_cast<int32_t>(grid[1]), static_cast<int32_t>(grid[2])};
  tsr_status s = tsr_kernel_launch(launch.kernel, nullptr, g, launch.arguments.data(),
                                   static_cast<uint32_t>(launch.arguments.size()));
  if (s >= 0)
    s = tsr_device_sync(handles.device);
  return s < 0 ? reportRuntime(session, s, "kernel '" + kernel + "'") : kOk;
}

int download(const Session &session, const std::vector<BoundArgument> &bound, const Launch &launch,
             const std::vector<SavedOutput> &outputs) {
  OutputFiles files;
  std::string why;
  for (const SavedOutput &o : outputs) {
    NpyArray array = bound[o.argument].argument.array;
    if (tsr_status s = tsr_buffer_read(launch.bufferOf[o.argument], 0, array.bytes.data(), array.bytes.size(), nullptr);
        s < 0)
      return reportRuntime(session, s, "argument '" + bound[o.argument].name + "'");
    if (!writeNpy(files, o.path, array, why))
      return session.report(DiagId::CannotWrite, "'" + o.path + "' cannot be written: " + why);
  }
  return files.finish(why) ? kOk : session.report(DiagId::CannotWrite, why);
}

int timeLaunches(const Session &session, const RunCommand &command, const KernelSource &source,
                 const std::vector<BoundArgument> &bound, const Handles &handles, const Launch &launch,
                 const std::array<int64_t, 3> &grid, double compileMs) {
  std::vector<int64_t> times;
  for (int i = -command.warmup; i < command.timeRepeats; ++i) {
    if (int code = upload(session, bound, launch))
      return code;
    auto start = std::chrono::steady_clock::now();
    if (int code = launchOnce(session, handles, launch, grid, source.kernel))
      return code;
    auto end = std::chrono::steady_clock::now();
    if (i >= 0)
      times.push_back(std::chrono::duration_cast<std::chrono::nanoseconds>(end - start).count());
  }
  std::sort(times.begin(), times.end());
  std::cout << "{\"kernel\":\"" << source.kernel << "\",\"compile_ms\":" << compileMs
            << ",\"median_ns\":" << times[times.size() / 2] << ",\"min_ns\":" << times.front()
            << ",\"repeats\":" << times.size() << "}" << std::endl;
  return kOk;
}

} // namespace

int runKernel(const Session &session, const RunCommand &command) {
  std::array<int64_t, 3> grid;
  std::string error;
  if (!parseGrid(command.grid, grid, error))
    return session.report(DiagId::BadGrid, error);
  for (int64_t g : grid)
    if (g < 0 || g > INT32_MAX)
      return session.report(DiagId::BadGrid,
                            "grid " + command.grid + ": " + std::to_string(g) +
                                (g < 0 ? " is negative" : " is more than 2147483647"),
                            "give numbers from 0 to 2147483647; 0 launches nothing");
  WantedTarget wanted;
  if (int code = readTarget(session, command, wanted))
    return code;
  KernelSource source;
  if (int code = source.open(session, command.kernel))
    return code;
  std::vector<BoundArgument> bound;
  std::vector<Binding> bindings;
  if (int code = bindArguments(session, source, command, bound, bindings))
    return code;
  if (command.interpret)
    return interpretKernel(session, source, command, grid, bound, bindings);

  Handles handles;
  std::string target, file;
  if (int code = chooseDevice(session, command, wanted, &handles.device, target))
    return code;
  auto start = std::chrono::steady_clock::now();
  if (int code = compileOrFetch(session, source, command, bindings, target, file))
    return code;
  double compileMs = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  Launch launch;
  if (int code = prepare(session, bound, target, file, handles, launch))
    return code;
  std::vector<bool> written(bound.size());
  for (size_t i = 0; i < bound.size(); ++i)
    for (uint32_t p = 0; p < launch.info->n_parameters; ++p)
      if (bound[i].name == launch.info->parameters[p].name)
        written[i] = launch.bufferOf[i] && !(launch.info->parameters[p].flags & TSR_FLAG_READONLY);
  std::vector<SavedOutput> outputs;
  if (int code = chooseOutputs(session, command, bound, written, outputs))
    return code;
  if (int code = launchOnce(session, handles, launch, grid, source.kernel))
    return code;
  if (int code = download(session, bound, launch, outputs))
    return code;
  return command.timeRepeats ? timeLaunches(session, command, source, bound, handles, launch, grid, compileMs) : kOk;
}

} // namespace tessera::cli
