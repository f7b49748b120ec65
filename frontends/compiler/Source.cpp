// Source.cpp - opening a file, listing its kernels and their parameters
// SPDX-License-Identifier: Apache-2.0
#include "frontends/compiler/Source.h"

#include <cstddef>

using namespace tessera;
using namespace tessera::compiler;

namespace tessera::compiler {

int32_t deliver(const tsc_sink *sink, const DiagnosticList &list) {
  int32_t status = TSC_OK;
  for (const Diagnostic &d : list.all()) {
    bool unavailable = diagCode(d.id).substr(0, 3) == "E04";
    if (d.severity == Severity::Bug)
      status = TSC_INTERNAL;
    else if (d.severity == Severity::Error && status == TSC_OK)
      status = unavailable ? TSC_UNAVAILABLE : d.id == DiagId::BadUsage ? TSC_USAGE : TSC_USER_ERROR;
    if (!sink || !sink->diag)
      continue;
    std::string rendered = renderDiagnostic(d, sink->colour), json = renderDiagnosticJson(d);
    uint32_t severity = d.severity == Severity::Error     ? 0
                        : d.severity == Severity::Warning ? 1
                        : d.severity == Severity::Note    ? 2
                                                          : 3;
    sink->diag(sink->user, severity, view(rendered), view(json));
  }
  return status;
}

void emit(const tsc_sink *sink, std::string_view kind, std::string_view name, std::string_view bytes) {
  if (sink && sink->emit)
    sink->emit(sink->user, view(kind), view(name), bytes.data(), bytes.size());
}

void enterStage(const tsc_sink *sink, std::string_view stage, std::string_view plugin) {
  if (sink && sink->size >= offsetof(tsc_sink, stage) + sizeof sink->stage && sink->stage)
    sink->stage(sink->user, view(stage), view(plugin));
}

} // namespace tessera::compiler

tsc_source *tsc_source_open(tsc_str file_name, tsc_str source_text, const tsc_sink *sink) {
  auto source = std::make_unique<tsc_source>();
  source->file = std::make_shared<SourceFile>();
  source->file->name = text(file_name);
  source->file->text = text(source_text);
  DiagnosticList list;
  source->module = source->host.load(source->file, list);
  deliver(sink, list);
  return source->module && !list.hasErrors() ? source.release() : nullptr;
}

void tsc_source_close(tsc_source *source) { delete source; }

void tsc_source_kernels(const tsc_source *source, void *user, void (*on_kernel)(void *, tsc_str, uint32_t)) {
  for (const std::string &name : py::FileHost::kernelNames(*source->module))
    on_kernel(user, view(name), 0);
}

int32_t tsc_source_params(const tsc_source *source, tsc_str kernel, const tsc_sink *sink, void *user,
                          void (*on_param)(void *, const tsc_param *)) {
  auto &mutableSource = const_cast<tsc_source &>(*source);
  std::lock_guard lock(mutableSource.mutex);
  DiagnosticList list;
  auto params = mutableSource.host.kernelParams(*source->module, text(kernel), list);
  int32_t status = deliver(sink, list);
  if (!params)
    return status ? status : TSC_USER_ERROR;
  for (const auto &p : *params) {
    tsc_param raw{view(p.name), {nullptr, 0}, p.isConstexpr, p.hasDefault, 0, 0};
    on_param(user, &raw);
  }
  return TSC_OK;
}
