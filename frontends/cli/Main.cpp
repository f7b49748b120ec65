// Main.cpp - `tessera`: options and dispatch
// SPDX-License-Identifier: Apache-2.0
#include "frontends/cli/Commands.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <unistd.h>

using namespace tessera::cli;
using tessera::DiagId;
using tessera::nearestName;

namespace {

constexpr const char *kVersion = "tessera 0.1.0";

CLI::Validator powerOfTwo() {
  return CLI::Validator(
      [](const std::string &text) {
        int64_t n = 0;
        bool ok = CLI::detail::lexical_cast(text, n) && n > 0 && n <= 1024 && (n & (n - 1)) == 0;
        return ok ? std::string() : "'" + text + "' is no power of two from 1 to 1024";
      },
      "POWER OF 2");
}

std::vector<std::string> commandsOf(const CLI::App &app) {
  std::vector<std::string> names;
  for (const CLI::App *c : app.get_subcommands([](const CLI::App *) { return true; }))
    names.push_back(c->get_name());
  return names;
}
bool has(const std::vector<std::string> &words, const std::string &word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

CLI::Validator atLeastOne() {
  return CLI::Validator(
      [](const std::string &text) {
        int64_t n = 0;
        return CLI::detail::lexical_cast(text, n) && n > 0 ? std::string()
                                                           : "'" + text + "' is no number of at least 1";
      },
      "POSITIVE");
}

// Repeatable, one value each time: CLI11 would give a vector every word that follows, the kernel's FILE too.
CLI::Option *oneValueEach(CLI::Option *option) { return option->take_all()->allow_extra_args(false); }

// The words behind argv[0], last first, as CLI11 wants them. REPEATS of --time is optional, so a word behind it that is no
// number (the kernel's FILE) is not its value.
std::vector<std::string> wordsOf(int argc, char **argv) {
  std::vector<std::string> words;
  for (int i = argc - 1; i > 0; --i) {
    std::string_view word = argv[i];
    // CLI11 takes the word behind `--grid=` for its value.
    if (word.starts_with("--") && word.size() > 3 && word.find('=') == word.size() - 1) {
      words.insert(words.end(), {"", std::string(word.substr(0, word.size() - 1))});
      continue;
    }
    if (word == "--time" && !words.empty() && words.back().find_first_not_of("+-0123456789") != std::string::npos)
      words.push_back("--time=10");
    else
      words.push_back(argv[i]);
  }
  return words;
}

// A word that should be a command and is none: "did you mean", before CLI11 only says that one is missing.
int unknownCommand(const Session &session, const CLI::App &app, const std::string &word) {
  std::vector<std::string> known = commandsOf(app);
  std::string near = nearestName(word, known), all;
  for (const std::string &k : known)
    all += (all.empty() ? "" : ", ") + k;
  return session.report(DiagId::BadUsage,
                        "'" + word + "' is no command of `" +
                            (app.get_parent() ? "tessera " + app.get_name() : "tessera") + "`",
                        (near.empty() ? "" : "did you mean '" + near + "'? ") + "There are: " + all);
}

CLI::Option *addKernelOptions(CLI::App *app, KernelOptions &options, std::string &where) {
  CLI::Option *kernel = app->add_option("kernel", where, "FILE or FILE:KERNEL; '-' reads standard input");
  oneValueEach(
      app->add_option("--target", options.targets, "where it shall run: x86-64-v3, native, mock, plugin/arch, …"))
      ->delimiter(',');
  app->add_option("--signature,-s", options.signature,
                  "types of the parameters in order: '*fp32:16, i32, fp32'; :16 = divisible by 16");
  oneValueEach(app->add_option("-D", options.defines, "NAME=VALUE of a constexpr parameter"));
  app->add_option("--num-warps", options.numWarps, "warps a program, where the target has warps")->check(powerOfTwo());
  app->add_option("--num-stages", options.numStages, "stages of software pipelines, where the target has them")
      ->check(atLeastOne());
  app->add_option("--num-ctas", options.numCtas, "blocks a program, where the target has clusters")
      ->check(powerOfTwo());
  app->add_option("-O", options.optLevel, "effort of the target's code generator, 1 to 3")->check(CLI::Range(1, 3));
  app->add_flag("--no-fp-fusion", options.noFusion, "no fused multiply-add of separate operators");
  app->add_flag("--no-tensor-copies", options.noTensorCopies, "accesses by descriptor as those by pointers");
  app->add_flag("--no-pointer-copies", options.noPointerCopies,
                "accesses through pointers stay such, of a dot's operands and result");
  app->add_flag("--no-auto-warp-specialize", options.noAutoWarpSpecialize,
                "roles for warps only where the source asks for them");
  app->add_flag("--no-grid-stride", options.noGridStride,
                "loops over the grid run in the programs that a launch asks for");
  app->add_flag("--debug", options.debug, "keep device_assert and assert statements");
  app->add_flag("--time-passes", options.timePasses, "the time of every stage, on stderr");
  app->add_option("--dump-ir", options.dumpIr, "IR after STAGE, a plugin's PLUGIN:STAGE or all, on stderr");
  app->add_option("--dump-dir", options.dumpDir, "where dumps go as files");
  app->add_flag("--worker", options.worker, "compile in a worker process, the default, and fail where there is none");
  app->add_flag("--in-process", options.inProcess, "compile in this process: for a debugger")->excludes("--worker");
  app->add_option("--compile-timeout", options.timeoutSeconds, "seconds that a compile may take")
      ->check(CLI::NonNegativeNumber)
      ->excludes("--in-process");
  return kernel;
}

void addCacheOption(CLI::App *app, RunCommand &command) {
  app->add_flag("--no-cache", command.noCache, "compile even where the cache has the kernel");
}

// FILE[:KERNEL]; the last colon separates, so that paths may contain colons before a slash.
void splitWhere(const std::string &where, KernelOptions &options) {
  size_t colon = where.rfind(':');
  if (colon != std::string::npos && where.find('/', colon) == std::string::npos) {
    options.file = where.substr(0, colon);
    options.kernel = where.substr(colon + 1);
  } else {
    options.file = where;
  }
}

// As the Python package reads its variables: 1, true, yes, on, y in any case; those of ours before Triton's.
bool isTrueInEnvironment(const std::string &name) {
  const char *value = std::getenv(("TESSERA_" + name).c_str());
  if (!value)
    value = std::getenv(("TRITON_" + name).c_str());
  std::string text = CLI::detail::to_lower(value ? value : "");
  return has({"1", "true", "yes", "on", "y"}, text);
}

bool wantsColour(const std::string &mode) {
  if (mode == "always")
    return true;
  const char *no = std::getenv("NO_COLOR");
  return mode != "never" && isatty(2) && !(no && *no);
}

} // namespace

namespace {

int runCommand(Session &session, int argc, char **argv) {
  CLI::App app{"Tessera: compile and run tile kernels.\nExit codes: 0 ok, 1 the input is wrong, 2 usage, 3 a defect of "
               "Tessera, 4 target or plugin not available.",
               "tessera"};
  app.require_subcommand(1);
  app.set_version_flag("--version", kVersion);
  app.fallthrough();
  std::string colour = "auto", format = "text";
  app.add_flag("-v,--verbose", session.verbose, "say more on stderr");
  app.add_option("--color", colour, "auto, always or never")->check(CLI::IsMember({"auto", "always", "never"}));
  app.add_option("--diagnostics-format", format, "text or json")->check(CLI::IsMember({"text", "json"}));
  oneValueEach(app.add_option("--plugin", session.pluginPaths, "manifest of a plugin to use besides those found"));

  std::string where;
  CompileCommand compile;
  CLI::App *compileApp = app.add_subcommand("compile", "source to bytecode, IR, assembly or machine code");
  addKernelOptions(compileApp, compile.kernel, where);
  compileApp->add_option("--from-tile", compile.fromTile, "kernel.tile of a reproducer, instead of FILE");
  compileApp->add_option("--request", compile.request, "its request.json: target, emits and options")
      ->needs("--from-tile");
  compileApp->add_option("--emit", compile.emit,
                         "tile, layout, bytecode, tbc, llvm, asm, obj, disasm, artifact, and a plugin's names: ptx, "
                         "cubin, sass; several with commas");
  compileApp->add_option("-o,--output", compile.output, "file; '-' is standard output");
  compileApp->add_option("--save-temps", compile.saveTemps, "a folder for every stage's output");

  RunCommand run;
  CLI::App *runApp = app.add_subcommand("run", "compile a kernel and launch it on data");
  addKernelOptions(runApp, run.kernel, where)->required();
  runApp->add_option("--grid", run.grid, "programs: X or X,Y or X,Y,Z");
  oneValueEach(runApp->add_option("--arg,-a", run.arguments,
                                  "x.npy, *bf16:x.npy, *fp32[1024,64] (zeros), i32:7, fp32:0.5, 7, null"));
  oneValueEach(runApp->add_option("--out", run.outputs,
                                  "NAME=y.npy, INDEX=y.npy, or y.npy for the next pointer that the kernel writes"));
  addCacheOption(runApp, run);
  CLI::Option *interpret =
      runApp->add_flag("--interpret", run.interpret, "in the reference interpreter, with memory checks");
  runApp->add_option("--time", run.timeRepeats, "time REPEATS launches; one JSON line on stdout")
      ->expected(0, 1)
      ->default_str("10")
      ->excludes(interpret);

  RunCommand bench;
  CLI::App *benchApp = app.add_subcommand("bench", "time launches of a kernel: run with --time");
  addKernelOptions(benchApp, bench.kernel, where)->required();
  benchApp->add_option("--grid", bench.grid, "programs: X or X,Y or X,Y,Z");
  oneValueEach(benchApp->add_option("--arg,-a", bench.arguments, "as of run"));
  addCacheOption(benchApp, bench);
  bench.timeRepeats = 50;
  benchApp->add_option("--repeats", bench.timeRepeats, "timed launches")->check(atLeastOne());

  bool json = false;
  CLI::App *targetsApp = app.add_subcommand("targets", "every target the installed plugins offer");
  targetsApp->add_flag("--json", json, "as JSON");
  CLI::App *pluginsApp = app.add_subcommand("plugins", "every plugin found, and why one was skipped");
  pluginsApp->add_flag("--json", json, "as JSON");
  CLI::App *cacheApp = app.add_subcommand("cache", "the cache of compiled kernels");
  cacheApp->require_subcommand(1);
  CLI::App *statsApp = cacheApp->add_subcommand("stats", "entries, bytes, folder");
  statsApp->add_flag("--json", json, "as JSON");
  CLI::App *clearApp = cacheApp->add_subcommand("clear", "remove every entry");

  auto isWord = [&](int i) { return argc > i && argv[i][0] && argv[i][0] != '-'; };
  if (isWord(1) && !has(commandsOf(app), argv[1]))
    return unknownCommand(session, app, argv[1]);
  if (isWord(1) && isWord(2) && std::string(argv[1]) == "cache" && !has(commandsOf(*cacheApp), argv[2]))
    return unknownCommand(session, *cacheApp, argv[2]);
  try {
    app.parse(wordsOf(argc, argv));
  } catch (const CLI::ParseError &e) {
    if (e.get_exit_code() == 0) // --help, --version
      return app.exit(e);
    std::string command;
    for (const CLI::App *c = &app; c && !c->get_subcommands().empty();) {
      c = c->get_subcommands()[0];
      command += " " + c->get_name();
    }
    session.colour = wantsColour(colour);
    session.format = format == "json" ? DiagnosticsFormat::Json : DiagnosticsFormat::Text;
    return session.report(DiagId::BadUsage, e.what(), "see `tessera" + command + " --help`");
  }
  session.colour = wantsColour(colour);
  session.format = format == "json" ? DiagnosticsFormat::Json : DiagnosticsFormat::Text;
  session.anyGlobals = isTrueInEnvironment("ALLOW_NON_CONSTEXPR_GLOBALS");
  if (*compileApp) {
    splitWhere(where, compile.kernel);
    return runCompile(session, compile);
  }
  if (*runApp) {
    splitWhere(where, run.kernel);
    if (CLI::Option *time = runApp->get_option("--time"); time->count() && run.timeRepeats <= 0) {
      if (!time->results().empty() && !time->results()[0].empty() && time->results()[0] != "10")
        return session.report(DiagId::BadUsage,
                              "--time " + time->results()[0] + ": a number of launches is at least 1");
      run.timeRepeats = 10;
    }
    return runKernel(session, run);
  }
  if (*benchApp) {
    splitWhere(where, bench.kernel);
    return runKernel(session, bench);
  }
  if (*targetsApp)
    return listTargets(session, json);
  if (*pluginsApp)
    return listPlugins(session, json);
  return *statsApp ? cacheStats(session, json) : *clearApp ? cacheClear(session) : kUsage;
}

} // namespace

int main(int argc, char **argv) {
  // A limit on the size of files is an error of the write, like a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  Session session;
  try {
    int code = runCommand(session, argc, argv);
    return code ? code : finishStandardOutput(session);
  } catch (const std::exception &e) {
    return session.report(DiagId::InternalError, e.what());
  }
}
