// CompilerInterface.cpp - the C structs of tessera_compiler.h, field by field, in one place
// SPDX-License-Identifier: Apache-2.0
#include "frontends/worker/CompilerInterface.h"

namespace tessera::worker {

OpenCompiler OpenCompiler::at(const std::string &path, std::string &error) {
  OpenCompiler c;
  c.path_ = path;
  // NODELETE: LLVM inside must not be unmapped while its static state is referenced at exit.
  c.handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!c.handle_) {
    const char *why = dlerror();
    error += (error.empty() ? "" : "; ") + std::string(why ? why : path);
  }
  return c;
}

LowerArguments::LowerArguments(const std::string &kernel, const std::string &target, const std::string &emits,
                               const OptionList &options) {
  for (const auto &[key, value] : options) {
    options_.push_back(view(key));
    options_.push_back(view(value));
  }
  request_.size = sizeof request_;
  request_.num_options = static_cast<uint32_t>(options.size());
  request_.options = options_.data();
  request_.kernel = view(kernel);
  request_.target = view(target);
  request_.emits = view(emits);
}

KernelRecord::KernelRecord(const tsc_kernel_info &info)
    : name(text(info.name)), argBytes(info.arg_bytes), argAlign(info.arg_align), flags(info.flags), regs(info.regs),
      spills(info.spills), numWarps(info.num_warps), sharedBytes(info.shared_bytes), scratchBytes(info.scratch_bytes) {
  for (uint32_t i = 0; i < info.num_args; ++i) {
    const tsc_arg &a = info.args[i];
    args.push_back({text(a.name), a.offset, a.size, a.kind, a.flags});
  }
}

void KernelRecord::give(const tsc_sink &sink) const {
  if (!sink.kernel)
    return;
  std::vector<tsc_arg> list;
  for (const Arg &a : args)
    list.push_back({view(a.name), a.offset, a.size, a.kind, a.flags});
  tsc_kernel_info info{};
  info.size = sizeof info;
  info.num_args = static_cast<uint32_t>(list.size());
  info.name = view(name);
  info.arg_bytes = argBytes;
  info.arg_align = argAlign;
  info.flags = flags;
  info.regs = regs;
  info.spills = spills;
  info.num_warps = numWarps;
  info.shared_bytes = sharedBytes;
  info.scratch_bytes = scratchBytes;
  info.args = list.data();
  sink.kernel(sink.user, &info);
}

} // namespace tessera::worker
