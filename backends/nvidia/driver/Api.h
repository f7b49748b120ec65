// Api.h - the CUDA driver API, as far as this driver uses it, found at run time
//
// SPDX-License-Identifier: Apache-2.0
//
// Declarations of our own, after the manual "CUDA Driver API", so that neither a toolkit nor a driver is needed to build. The
// section of the manual stands at each group; where a toolkit is installed, a test compares every struct and constant with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace tessera::nvidia::cu {

using Result = int;   // CUresult; 0: success
using DeviceId = int; // CUdevice
using Address = unsigned long long;
using JitOption = int;
using Context = struct ContextTag *;
using StreamId = struct StreamTag *;
using EventId = struct EventTag *;
using ModuleId = struct ModuleTag *;
using Function = struct FunctionTag *;
using GraphId = struct GraphTag *;
using GraphNode = struct GraphNodeTag *;
using GraphExecId = struct GraphExecTag *;
using MemoryPool = struct MemoryPoolTag *;
using Uuid = struct UuidBytes {
  unsigned char bytes[16];
};

// "Data types used by CUDA driver", CUresult.
inline constexpr Result kSuccess = 0, kInvalidValue = 1, kOutOfMemory = 2, kNotInitialized = 3, kStubLibrary = 34;
inline constexpr Result kDeviceUnavailable = 46, kNoDevice = 100, kInvalidImage = 200, kInvalidContext = 201;
inline constexpr Result kNoBinary = 209, kEccUncorrectable = 214, kInvalidPtx = 218, kNvlinkUncorrectable = 220;
inline constexpr Result kJitCompilerNotFound = 221, kUnsupportedPtx = 222, kJitDisabled = 223, kContained = 226;
inline constexpr Result kInvalidSource = 300, kInvalidHandle = 400, kNotFound = 500, kNotReady = 600;
inline constexpr Result kIllegalAddress = 700, kOutOfResources = 701, kLaunchTimeout = 702, kContextDestroyed = 709;
inline constexpr Result kAssert = 710, kHardwareStack = 714, kIllegalInstruction = 715, kMisaligned = 716;
inline constexpr Result kInvalidAddressSpace = 717, kInvalidPc = 718, kLaunchFailed = 719, kCooperativeTooLarge = 720;
inline constexpr Result kTensorMemoryLeak = 721, kNotSupported = 801, kSystemNotReady = 802, kDriverMismatch = 803;
inline constexpr Result kCompatNotSupported = 804, kCaptureFirst = 900, kCaptureLast = 908, kInvalidCluster = 912;
inline constexpr Result kUnknown = 999;

// CUdevice_attribute.
inline constexpr int kMaxThreads = 1, kMaxGridX = 5, kMaxGridY = 6, kMaxGridZ = 7, kClockRate = 13, kUnits = 16;
inline constexpr int kPciBus = 33, kPciDevice = 34, kMemoryClock = 36, kBusWidth = 37, kL2Bytes = 38, kPciDomain = 50;
inline constexpr int kMajor = 75, kMinor = 76, kManagedMemory = 83, kCooperativeLaunch = 95, kSharedOptIn = 97;
inline constexpr int kMemoryPools = 115, kClusterLaunch = 120, kTensorMapAccess = 127;

// CUfunction_attribute.
inline constexpr int kFunctionMaxThreads = 0, kFunctionShared = 1, kFunctionLocal = 3, kFunctionRegisters = 4;
inline constexpr int kFunctionMaxDynamicShared = 8, kFunctionNonPortableCluster = 14;

// CUjit_option.
inline constexpr JitOption kJitInfoLog = 3, kJitInfoLogBytes = 4, kJitErrorLog = 5, kJitErrorLogBytes = 6;
inline constexpr JitOption kJitLineInfo = 13;

// Streams: CU_STREAM_NON_BLOCKING; the two default streams; CUstreamCaptureMode, CUstreamCaptureStatus.
inline constexpr unsigned kStreamNonBlocking = 1;
inline constexpr uint64_t kStreamLegacy = 1, kStreamPerThread = 2;
inline constexpr int kCaptureGlobal = 0, kCaptureThreadLocal = 1, kCaptureRelaxed = 2;
inline constexpr int kCaptureStatusActive = 1;

// CU_MEMHOSTALLOC_PORTABLE | _DEVICEMAP, CU_MEM_ATTACH_GLOBAL, CUmemorytype, CUmemPool_attribute.
inline constexpr unsigned kHostPortable = 1, kHostMapped = 2, kAttachGlobal = 1;
inline constexpr int kMemoryHost = 1, kMemoryDevice = 2, kMemoryUnified = 4;
inline constexpr int kPoolReleaseThreshold = 4;

struct Copy2D { // CUDA_MEMCPY2D
  size_t fromX, fromY;
  int fromType;
  const void *fromHost;
  Address fromDevice;
  void *fromArray;
  size_t fromPitch;
  size_t toX, toY;
  int toType;
  void *toHost;
  Address toDevice;
  void *toArray;
  size_t toPitch;
  size_t width, height; // bytes, rows
};

struct Copy3DPeer { // CUDA_MEMCPY3D_PEER
  size_t fromX, fromY, fromZ, fromLod;
  int fromType;
  const void *fromHost;
  Address fromDevice;
  void *fromArray;
  Context fromContext;
  size_t fromPitch, fromHeight;
  size_t toX, toY, toZ, toLod;
  int toType;
  void *toHost;
  Address toDevice;
  void *toArray;
  Context toContext;
  size_t toPitch, toHeight;
  size_t width, height, depth;
};

struct MemoryPoolProperties { // CUmemPoolProps
  int allocationType;         // 1: pinned, the only one
  int handleTypes;            // 0: none
  int locationType;           // 1: device
  int locationId;
  void *securityAttributes;
  size_t maxBytes; // 0: the system's bound
  unsigned short usage;
  unsigned char reserved[54];
};

// "Execution control": CUlaunchAttributeID, CUlaunchAttribute, CUlaunchConfig.
inline constexpr int kLaunchCooperative = 2, kLaunchCluster = 4, kLaunchProgrammaticSerialization = 6;
struct LaunchAttribute {
  int id;
  char pad[4];
  union {
    char bytes[64];
    int flag; // cooperative, programmaticStreamSerializationAllowed
    unsigned cluster[3];
  } value;
};
struct LaunchConfig {
  unsigned grid[3], block[3];
  unsigned sharedBytes;
  StreamId stream;
  LaunchAttribute *attributes;
  unsigned numAttributes;
};
// Elements of `extra`: CU_LAUNCH_PARAM_BUFFER_POINTER, _SIZE, _END.
inline void *const kLaunchEnd = nullptr;
inline void *launchBufferPointer() { return reinterpret_cast<void *>(uintptr_t(1)); }
inline void *launchBufferSize() { return reinterpret_cast<void *>(uintptr_t(2)); }

// A kernel's parameters as one run of bytes, which is not copied, in the form of `extra`.
class ParameterBuffer {
public:
  ParameterBuffer(const void *parameters, size_t bytes)
      : bytes_(bytes),
        words_{launchBufferPointer(), const_cast<void *>(parameters), launchBufferSize(), &bytes_, kLaunchEnd} {}
  ParameterBuffer(const ParameterBuffer &) = delete; // words_ points into it
  ParameterBuffer &operator=(const ParameterBuffer &) = delete;
  void **extra() { return bytes_ ? words_ : nullptr; }

private:
  size_t bytes_;
  void *words_[5];
};

struct KernelNodeParameters { // CUDA_KERNEL_NODE_PARAMS_v2
  Function function;
  unsigned grid[3], block[3];
  unsigned sharedBytes;
  void **arguments;
  void **extra;
  void *kernel;
  Context context;
};

struct alignas(128) TensorMap { // CUtensorMap
  uint64_t opaque[16];
};

// The functions of one libcuda. Never unloaded.
class Api {
public:
  // Opens `library` ("libcuda.so.1", or a path) and initialises it. No context, no thread of ours. Throws sdk::Unavailable
  // with the reason and what to do: no such library, a driver that is too old, no device, a driver that does not start.
  static std::shared_ptr<const Api> open(const std::string &library);

  int version() const { return version_; } // 12040: what the driver was made for
  // "the device ran out of memory (CUDA_ERROR_OUT_OF_MEMORY)"-like text of the driver's own.
  std::string describe(Result result) const;

#define CU_FUNCTION(name, version, Need, parameters) Result(*name) parameters = nullptr;
#include "backends/nvidia/driver/ApiFunctions.def"

private:
  int version_ = 0;
};

// The least driver that will do: CUDA 12.0, where tensor maps and launches with clusters are.
inline constexpr int kLeastVersion = 12000;

} // namespace tessera::nvidia::cu
