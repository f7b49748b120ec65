// Buffer.cpp - device memory
//
// SPDX-License-Identifier: Apache-2.0
#include "runtime/api/Objects.h"

#include <memory>

using namespace tessera::runtime;
using tessera::plugin::contain;

tsr_status tsr_buffer_create(TsrDevice *device, uint64_t bytes, TsrBuffer **out) {
  if (!device || !out)
    return nullArgument("device or out");
  return guarded([&] {
    auto buffer = std::make_unique<TsrBuffer>(device);
    buffer->bytes = bytes;
    tsr_status status = contain([&] {
      return device->driver->mem_alloc(device->handle, nullptr, bytes, 256, TSR_MEM_DEVICE, &buffer->address);
    });
    if (status < 0)
      return device->failedIn("mem_alloc", status);
    *out = buffer.release();
    return TSR_OK;
  });
}

tsr_status tsr_buffer_wrap(TsrDevice *device, void *memory, uint64_t bytes, TsrBuffer **out) {
  if (!device || !out || (bytes && !memory))
    return nullArgument("device, memory or out");
  if (!device->hostMemory)
    return failed(TSR_E_UNSUPPORTED, "kernels of device " + device->name + " cannot work on host memory");
  return guarded([&] {
    auto buffer = std::make_unique<TsrBuffer>(device);
    buffer->address = reinterpret_cast<uint64_t>(memory);
    buffer->bytes = bytes;
    buffer->owned = false;
    *out = buffer.release();
    return TSR_OK;
  });
}

void tsr_buffer_destroy(TsrBuffer *buffer) {
  if (!buffer)
    return;
  TsrDevice &device = *buffer->device;
  if (buffer->owned)
    contain([&] { return device.driver->mem_free(device.handle, nullptr, buffer->address); });
  delete buffer;
}

uint64_t tsr_buffer_address(const TsrBuffer *buffer) { return buffer ? buffer->address : 0; }
uint64_t tsr_buffer_bytes(const TsrBuffer *buffer) { return buffer ? buffer->bytes : 0; }

void *tsr_buffer_host_pointer(const TsrBuffer *buffer) {
  return buffer && buffer->device->hostMemory ? reinterpret_cast<void *>(buffer->address) : nullptr;
}

static tsr_status checkRange(const char *what, const TsrBuffer &b, uint64_t offset, uint64_t bytes) {
  if (offset <= b.bytes && bytes <= b.bytes - offset)
    return TSR_OK;
  return guarded([&] {
    return failed(TSR_E_INVALID, std::string(what) + ": bytes " + std::to_string(offset) + " to " +
                                     std::to_string(offset + bytes) + " lie outside a buffer of " +
                                     std::to_string(b.bytes) + " bytes");
  });
}

static tsr_status checkStream(const TsrBuffer &b, const TsrStream *stream) {
  if (!stream || stream->device.get() == b.device.get())
    return TSR_OK;
  return failed(TSR_E_INVALID, "the stream belongs to another device than the buffer");
}

static tsr_status copyOn(TsrDevice &device, uint64_t to, uint32_t toSpace, uint64_t from, uint32_t fromSpace,
                         uint64_t bytes, TsrStream *stream, bool wait) {
  if (bytes == 0)
    return TSR_OK;
  tsr_copy c = {};
  c.h.size = sizeof(c);
  c.dst = to;
  c.src = from;
  c.rows = 1;
  c.row_bytes = c.dst_pitch = c.src_pitch = bytes;
  c.dst_space = toSpace;
  c.src_space = fromSpace;
  return guarded([&] {
    tsr_stream *on = device.workStream(stream);
    tsr_status status = contain([&] { return device.driver->copy(on, &c); });
    if (status >= 0 && wait && !stream) {
      status = contain([&] { return device.driver->stream_sync(on); });
      if (status >= 0)
        device.fetchMessages();
    }
    return status < 0 ? device.failedIn("copy", status, nullptr, stream, true) : TSR_OK;
  });
}

tsr_status tsr_buffer_write(TsrBuffer *buffer, uint64_t offset, const void *data, uint64_t bytes, TsrStream *stream) {
  if (!buffer || (bytes && !data))
    return nullArgument("buffer or data");
  if (tsr_status s = checkRange("tsr_buffer_write", *buffer, offset, bytes); s < 0)
    return s;
  if (tsr_status s = checkStream(*buffer, stream); s < 0)
    return s;
  return copyOn(*buffer->device, buffer->address + offset, TSR_MEM_DEVICE, reinterpret_cast<uint64_t>(data),
                TSR_MEM_HOST, bytes, stream, true);
}

tsr_status tsr_buffer_read(TsrBuffer *buffer, uint64_t offset, void *data, uint64_t bytes, TsrStream *stream) {
  if (!buffer || (bytes && !data))
    return nullArgument("buffer or data");
  if (tsr_status s = checkRange("tsr_buffer_read", *buffer, offset, bytes); s < 0)
    return s;
  if (tsr_status s = checkStream(*buffer, stream); s < 0)
    return s;
  return copyOn(*buffer->device, reinterpret_cast<uint64_t>(data), TSR_MEM_HOST, buffer->address + offset,
                TSR_MEM_DEVICE, bytes, stream, true);
}

tsr_status tsr_buffer_copy(TsrBuffer *to, uint64_t to_offset, TsrBuffer *from, uint64_t from_offset, uint64_t bytes,
                           TsrStream *stream) {
  if (!to || !from)
    return nullArgument("to or from");
  if (to->device.get() != from->device.get())
    return failed(TSR_E_INVALID, "tsr_buffer_copy: the buffers belong to two devices");
  if (tsr_status s = checkRange("tsr_buffer_copy", *to, to_offset, bytes); s < 0)
    return s;
  if (tsr_status s = checkRange("tsr_buffer_copy", *from, from_offset, bytes); s < 0)
    return s;
  if (tsr_status s = checkStream(*to, stream); s < 0)
    return s;
  return copyOn(*to->device, to->address + to_offset, TSR_MEM_DEVICE, from->address + from_offset, TSR_MEM_DEVICE,
                bytes, stream, false);
}

tsr_status tsr_buffer_fill(TsrBuffer *buffer, uint64_t offset, uint64_t pattern, uint32_t pattern_bytes, uint64_t bytes,
                           TsrStream *stream) {
  if (!buffer)
    return nullArgument("buffer");
  if (tsr_status s = checkRange("tsr_buffer_fill", *buffer, offset, bytes); s < 0)
    return s;
  if (tsr_status s = checkStream(*buffer, stream); s < 0)
    return s;
  TsrDevice &device = *buffer->device;
  return guarded([&] {
    tsr_status status = contain([&] {
      return device.driver->fill(device.workStream(stream), buffer->address + offset, pattern, pattern_bytes, bytes);
    });
    return status < 0 ? device.failedIn("fill", status, nullptr, stream, true) : TSR_OK;
  });
}
