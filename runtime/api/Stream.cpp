// Stream.cpp - streams and events
//
// SPDX-License-Identifier: Apache-2.0
#include "runtime/api/Objects.h"

#include <chrono>
#include <memory>
#include <thread>

using namespace tessera::runtime;
using tessera::plugin::contain;

static_assert(TSR_STREAM_OWN_THREAD == TSR_STREAM_QUEUE, "the flag is handed to the driver as it is");

tsr_status tsr_stream_create(TsrDevice *device, int32_t priority, uint32_t flags, TsrStream **out) {
  if (!device || !out)
    return nullArgument("device or out");
  return guarded([&] {
    auto stream = std::make_unique<TsrStream>(device);
    tsr_status status =
        contain([&] { return device->driver->stream_create(device->handle, priority, flags, &stream->handle); });
    if (status < 0)
      return device->failedIn("stream_create", status);
    *out = stream.release();
    return TSR_OK;
  });
}

tsr_status tsr_stream_wrap(TsrDevice *device, uint64_t native, TsrStream **out) {
  if (!device || !out)
    return nullArgument("device or out");
  return guarded([&] {
    if (!TSR_HAS(tsr_driver_api, device->driver, stream_wrap))
      return failed(TSR_E_UNSUPPORTED, "this device has no streams of others");
    auto stream = std::make_unique<TsrStream>(device);
    tsr_status status = contain([&] { return device->driver->stream_wrap(device->handle, native, &stream->handle); });
    if (status < 0)
      return device->failedIn("stream_wrap", status);
    stream->wrapped = true;
    *out = stream.release();
    return TSR_OK;
  });
}

void tsr_stream_destroy(TsrStream *stream) {
  if (!stream)
    return;
  contain([&] { return stream->device->driver->stream_destroy(stream->handle); });
  guarded([&] { return stream->device->fetchMessages(), TSR_OK; });
  delete stream;
}

tsr_status tsr_stream_sync(TsrStream *stream) {
  if (!stream)
    return nullArgument("stream (tsr_device_sync waits for the default stream)");
  return guarded([&] {
    tsr_status status = contain([&] { return stream->device->driver->stream_sync(stream->handle); });
    if (status < 0)
      return stream->device->failedIn("stream_sync", status, nullptr, stream, true);
    stream->device->fetchMessages();
    return TSR_OK;
  });
}

tsr_status tsr_stream_query(TsrStream *stream) {
  if (!stream)
    return nullArgument("stream");
  return guarded([&] {
    tsr_status status = contain([&] { return stream->device->driver->stream_query(stream->handle); });
    return status < 0 ? stream->device->failedIn("stream_query", status, nullptr, stream, true) : status;
  });
}

tsr_status tsr_event_create(TsrDevice *device, TsrEvent **out) {
  if (!device || !out)
    return nullArgument("device or out");
  const tsr_driver_api *d = device->driver;
  bool all = TSR_HAS(tsr_driver_api, d, event_create) && TSR_HAS(tsr_driver_api, d, event_destroy) &&
             TSR_HAS(tsr_driver_api, d, event_record) && TSR_HAS(tsr_driver_api, d, event_wait) &&
             TSR_HAS(tsr_driver_api, d, event_query) && TSR_HAS(tsr_driver_api, d, event_elapsed_ns);
  return guarded([&] {
    if (!all)
      return failed(TSR_E_UNSUPPORTED, "the driver of plugin " + device->pluginName + " has no events");
    auto event = std::make_unique<TsrEvent>(device);
    tsr_status status = contain([&] { return d->event_create(device->handle, 0, &event->handle); });
    if (status < 0)
      return device->failedIn("event_create", status);
    *out = event.release();
    return TSR_OK;
  });
}

void tsr_event_destroy(TsrEvent *event) {
  if (!event)
    return;
  contain([&] { return event->device->driver->event_destroy(event->handle); });
  delete event;
}

tsr_status tsr_event_record(TsrEvent *event, TsrStream *stream) {
  if (!event)
    return nullArgument("event");
  TsrDevice &device = *event->device;
  return guarded([&] {
    tsr_status status =
        contain([&] { return device.driver->event_record(event->handle, device.launchStream(stream)); });
    return status < 0 ? device.failedIn("event_record", status, nullptr, stream, true) : TSR_OK;
  });
}

tsr_status tsr_event_wait(TsrStream *stream, TsrEvent *event) {
  if (!event)
    return nullArgument("event");
  TsrDevice &device = stream ? *stream->device : *event->device;
  return guarded([&] {
    tsr_status status = contain([&] { return device.driver->event_wait(device.launchStream(stream), event->handle); });
    return status < 0 ? device.failedIn("event_wait", status, nullptr, stream, true) : TSR_OK;
  });
}

tsr_status tsr_event_query(TsrEvent *event) {
  if (!event)
    return nullArgument("event");
  return guarded([&] {
    tsr_status status = contain([&] { return event->device->driver->event_query(event->handle); });
    return status < 0 ? event->device->failedIn("event_query", status) : status;
  });
}

tsr_status tsr_event_sync(TsrEvent *event) {
  // The ABI has no blocking wait for an event: look often at first, then sleep between looks.
  for (int round = 0;; ++round) {
    tsr_status status = tsr_event_query(event);
    if (status != TSR_NOT_READY)
      return status;
    if (round < 100)
      std::this_thread::yield();
    else
      std::this_thread::sleep_for(std::chrono::microseconds(round < 1000 ? 20 : 200));
  }
}

tsr_status tsr_event_elapsed_ns(TsrEvent *start, TsrEvent *stop, uint64_t *out_ns) {
  if (!start || !stop || !out_ns)
    return nullArgument("start, stop or out_ns");
  return guarded([&] {
    tsr_status status =
        contain([&] { return start->device->driver->event_elapsed_ns(start->handle, stop->handle, out_ns); });
    return status < 0 ? start->device->failedIn("event_elapsed_ns", status) : status;
  });
}
