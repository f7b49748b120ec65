// TileBytes.cpp - see TileBytes.h
// SPDX-License-Identifier: Apache-2.0
#include "frontends/compiler/TileBytes.h"

#include "core/ir/Tile.h"
#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Support/xxhash.h"

namespace tessera::compiler {

namespace {

constexpr std::string_view kMagic("TSRTILE\1", 8);
constexpr size_t kAlign = 16, kHeadBytes = kMagic.size() + sizeof(uint64_t);

uint64_t checksumOf(std::string_view bytes) {
  bytes.remove_prefix(kHeadBytes);
  return llvm::xxh3_64bits(llvm::StringRef(bytes.data(), bytes.size()));
}

template <typename T> void putNumber(std::string &out, T value) {
  for (size_t i = 0; i < sizeof(T); ++i)
    out += static_cast<char>(value >> 8 * i);
}

// Takes from the front; a request for more than is left makes everything after it fail.
class Cursor {
public:
  explicit Cursor(std::string_view bytes) : all_(bytes) {}
  template <typename T> T number() {
    std::string_view raw = take(sizeof(T));
    T value = 0;
    for (size_t i = 0; i < raw.size(); ++i)
      value |= static_cast<T>(static_cast<unsigned char>(raw[i])) << 8 * i;
    return value;
  }
  std::string_view take(uint64_t n) {
    if (!ok_ || n > all_.size() - at_) {
      ok_ = false;
      return {};
    }
    at_ += n;
    return all_.substr(at_ - n, n);
  }
  std::string_view rest() {
    take((kAlign - at_ % kAlign) % kAlign);
    return take(all_.size() - at_);
  }
  bool ok() const { return ok_; }

private:
  std::string_view all_;
  size_t at_ = 0;
  bool ok_ = true;
};

} // namespace

std::string writeTileBytes(mlir::ModuleOp module, std::string_view kernel, const tile::SourceFiles &files) {
  std::string out(kMagic);
  out.resize(kHeadBytes);
  putNumber(out, static_cast<uint32_t>(kernel.size()));
  out += kernel;
  putNumber(out, static_cast<uint32_t>(files.size()));
  for (const auto &file : files) {
    putNumber(out, file->firstLine);
    putNumber(out, static_cast<uint32_t>(file->name.size()));
    out += file->name;
    putNumber(out, static_cast<uint64_t>(file->text.size()));
    out += file->text;
  }
  out.resize((out.size() + kAlign - 1) / kAlign * kAlign);
  llvm::raw_string_ostream stream(out);
  if (failed(mlir::writeBytecodeToFile(module, stream)))
    return {};
  std::string checksum;
  putNumber(checksum, checksumOf(out));
  out.replace(kMagic.size(), checksum.size(), checksum);
  return out;
}

TileModule readTileText(std::string_view text, std::string_view name,
                        const std::vector<std::pair<std::string, int64_t>> &options, mlir::MLIRContext &context,
                        DiagnosticList &diagnostics) {
  TileModule result;
  auto file = std::make_shared<SourceFile>();
  file->name = name.empty() ? "<tile IR>" : std::string(name);
  file->text = text;
  result.files.push_back(file);
  auto refuse = [&](const std::string &why, uint32_t line = 1) {
    diagnostics.add(DiagId::InvalidIr, SourcePlace{file, line, 1, line, 1}, why,
                    "give tile IR: what asm[\"ttir\"] has, and `tessera compile --emit=tile` prints");
    return TileModule{};
  };
  mlir::ParserConfig config(&context, /*verifyAfterParse=*/true);
  mlir::OwningOpRef<mlir::ModuleOp> module;
  {
    tile::DiagnosticCapture capture(&context, diagnostics, result.files, DiagId::InvalidIr);
    module = mlir::parseSourceString<mlir::ModuleOp>(llvm::StringRef(text.data(), text.size()), config, file->name);
    if (!module)
      return capture.sawError() ? TileModule{} : refuse("this is no module of tile IR");
  }
  auto functions = module->getOps<mlir::func::FuncOp>();
  if (!llvm::hasSingleElement(functions) || (*functions.begin()).isExternal())
    return refuse("a module of tile IR has one kernel, a func.func with a body");
  if (auto level = module->getOperation()->getAttrOfType<mlir::StringAttr>(tile::kLevelAttr); level && level != "tile")
    return refuse("this IR has layouts already: it belongs to one target, and only tile IR can be compiled");
  result.kernel = (*functions.begin()).getSymName().str();
  mlir::NamedAttrList all(module->getOperation()->getAttrOfType<mlir::DictionaryAttr>(tile::kOptionsAttr));
  for (const auto &[key, value] : options)
    if (!all.get(key))
      all.set(key, mlir::IntegerAttr::get(mlir::IntegerType::get(&context, 64), value));
  module->getOperation()->setAttr(tile::kOptionsAttr, all.getDictionary(&context));
  module->getOperation()->setAttr(tile::kLevelAttr, mlir::StringAttr::get(&context, "tile"));
  result.module = std::move(module);
  return result;
}

TileModule readTileBytes(std::string_view bytes, mlir::MLIRContext &context, DiagnosticList &diagnostics) {
  TileModule result;
  auto damaged = [&](const char *why) {
    diagnostics.add(DiagId::BadBytecode, {}, std::string("the tile module cannot be read: ") + why,
                    "make it again with --emit=tile_bytes of this version");
    return TileModule{};
  };
  Cursor in(bytes);
  if (in.take(kMagic.size()) != kMagic)
    return damaged("it does not start as one");
  uint64_t checksum = in.number<uint64_t>();
  if (!in.ok() || checksum != checksumOf(bytes))
    return damaged("it was changed or cut off");
  result.kernel = in.take(in.number<uint32_t>());
  for (uint32_t left = in.number<uint32_t>(); left && in.ok(); --left) {
    auto file = std::make_shared<SourceFile>();
    file->firstLine = in.number<uint32_t>();
    file->name = in.take(in.number<uint32_t>());
    file->text = in.take(in.number<uint64_t>());
    result.files.push_back(std::move(file));
  }
  std::string_view code = in.rest();
  if (!in.ok())
    return damaged("it ends too early");
  // A copy: MLIR wants its bytes aligned, wherever ours came from.
  auto buffer = llvm::MemoryBuffer::getMemBufferCopy(llvm::StringRef(code.data(), code.size()), "tile module");
  if (!mlir::isBytecode(buffer->getMemBufferRef()))
    return damaged("there is no bytecode after its head");
  mlir::Block block;
  mlir::ParserConfig config(&context, /*verifyAfterParse=*/true);
  {
    tile::DiagnosticCapture capture(&context, diagnostics, result.files, DiagId::BadBytecode);
    if (failed(mlir::readBytecodeFile(buffer->getMemBufferRef(), &block, config)))
      return capture.sawError() ? TileModule{} : damaged("its bytecode is damaged");
  }
  if (!llvm::hasSingleElement(block) || !mlir::isa<mlir::ModuleOp>(block.front()))
    return damaged("it is not one module");
  auto module = mlir::cast<mlir::ModuleOp>(block.front());
  module->remove();
  result.module = module;
  return result;
}

} // namespace tessera::compiler
