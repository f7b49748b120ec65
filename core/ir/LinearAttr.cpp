// LinearAttr.cpp - #tile.linear: text form, rules, access to the bases
//
// SPDX-License-Identifier: Apache-2.0
#include "core/ir/Tile.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include <numeric>

#define GET_ATTRDEF_CLASSES
#include "core/ir/TileAttrs.cpp.inc"

using namespace mlir;

namespace tessera::tile {

void TileDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "core/ir/TileAttrs.cpp.inc"
      >();
}

LinearAttr LinearAttr::get(MLIRContext *context, ArrayRef<int64_t> outSizes, ArrayRef<std::string> inDims,
                           const Bases &bases) {
  SmallVector<StringAttr> names;
  SmallVector<int32_t> counts, flat;
  for (auto [name, bits] : llvm::zip_equal(inDims, bases)) {
    names.push_back(StringAttr::get(context, name));
    counts.push_back(bits.size());
    for (const std::vector<int32_t> &basis : bits)
      flat.append(basis.begin(), basis.end());
  }
  return get(context, outSizes, names, counts, flat);
}

LinearAttr LinearAttr::get(MLIRContext *context, const layout::LinearLayout &layout) {
  std::vector<std::string> inDims;
  for (const layout::Dim &dim : layout.ins())
    inDims.push_back(dim.name);
  return get(context, layout.shape(), inDims, layout.bases());
}

layout::LinearLayout LinearAttr::getLayout() const {
  std::vector<std::string> inDims;
  for (StringAttr name : getInDims())
    inDims.push_back(name.str());
  return *layout::LinearLayout::fromBases(std::move(inDims), std::span(getOutSizes().data(), getRank()), toBases());
}

unsigned LinearAttr::getNumBits(StringRef inDim) const {
  for (auto [name, bits] : llvm::zip_equal(getInDims(), getBitCounts()))
    if (name == inDim)
      return bits;
  return 0;
}

ArrayRef<int32_t> LinearAttr::getBasis(unsigned in, unsigned bit) const {
  unsigned before = static_cast<unsigned>(std::accumulate(getBitCounts().begin(), getBitCounts().begin() + in, 0));
  return ArrayRef<int32_t>(getBases()).slice((before + bit) * getRank(), getRank());
}

LinearAttr::Bases LinearAttr::toBases() const {
  Bases bases(getNumInDims());
  for (unsigned in = 0; in < getNumInDims(); ++in)
    for (unsigned bit = 0; bit < getNumBits(in); ++bit)
      bases[in].push_back(getBasis(in, bit).vec());
  return bases;
}

LogicalResult LinearAttr::verify(function_ref<InFlightDiagnostic()> emitError, ArrayRef<int64_t> outSizes,
                                 ArrayRef<StringAttr> inDims, ArrayRef<int32_t> bitCounts, ArrayRef<int32_t> bases) {
  if (outSizes.empty() || llvm::any_of(outSizes, [](int64_t d) { return d < 1 || !llvm::isPowerOf2_64(d); }))
    return emitError() << "the extents of a layout must be powers of two";
  if (inDims.size() != bitCounts.size() || llvm::any_of(bitCounts, [](int32_t n) { return n < 0; }))
    return emitError() << "a layout must give the bits of each of its input dims";
  for (auto [i, name] : llvm::enumerate(inDims))
    if (llvm::is_contained(inDims.take_front(i), name))
      return emitError() << "a layout names input dim " << name << " twice";
  size_t entries = std::accumulate(bitCounts.begin(), bitCounts.end(), size_t(0)) * outSizes.size();
  if (bases.size() != entries)
    return emitError() << "a layout of rank " << outSizes.size() << " must have one index a dim for each bit, got "
                       << bases.size() << " indices instead of " << entries;
  for (auto [i, index] : llvm::enumerate(bases))
    if (index < 0 || index >= outSizes[i % outSizes.size()])
      return emitError() << "a basis of a layout must lie inside its dim of extent " << outSizes[i % outSizes.size()]
                         << ", got " << index;
  return success();
}

LogicalResult LinearAttr::verifyEncoding(ArrayRef<int64_t> shape, Type,
                                         function_ref<InFlightDiagnostic()> emitError) const {
  if (shape != ArrayRef<int64_t>(getOutSizes()))
    return emitError() << "the layout of a tensor must have its shape, got " << *this;
  return success();
}

static ParseResult parseIntegers(AsmParser &parser, SmallVectorImpl<int32_t> &into, size_t &count) {
  count = 0;
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] {
    ++count;
    return parser.parseInteger(into.emplace_back());
  });
}

Attribute LinearAttr::parse(AsmParser &parser, Type) {
  SmallVector<int32_t> sizes, counts, bases;
  SmallVector<StringAttr> names;
  size_t rank = 0;
  if (parser.parseLess() || parseIntegers(parser, sizes, rank))
    return {};
  while (succeeded(parser.parseOptionalComma())) {
    StringRef name;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&name) || parser.parseEqual())
      return {};
    names.push_back(StringAttr::get(parser.getContext(), name));
    counts.push_back(0);
    auto parseBasis = [&]() -> ParseResult {
      size_t entries = 0;
      if (parseIntegers(parser, bases, entries))
        return failure();
      ++counts.back();
      if (entries != rank)
        return parser.emitError(loc) << "each bit of '" << name << "' must have " << rank << " indices, got "
                                     << entries;
      return success();
    };
    if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseBasis))
      return {};
  }
  if (parser.parseGreater())
    return {};
  SmallVector<int64_t> outSizes(sizes.begin(), sizes.end());
  return parser.getChecked<LinearAttr>(parser.getContext(), outSizes, names, counts, bases);
}

void LinearAttr::print(AsmPrinter &printer) const {
  printer << "<[";
  llvm::interleaveComma(getOutSizes(), printer);
  printer << ']';
  for (unsigned in = 0; in < getNumInDims(); ++in) {
    printer << ", " << getInDimName(in) << " = [";
    for (unsigned bit = 0; bit < getNumBits(in); ++bit) {
      printer << (bit ? ", [" : "[");
      llvm::interleaveComma(getBasis(in, bit), printer);
      printer << ']';
    }
    printer << ']';
  }
  printer << '>';
}

} // namespace tessera::tile
