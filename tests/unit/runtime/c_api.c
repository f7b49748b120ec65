/* c_api.c - the example of docs/reference/runtime.md: a C11 program on libtessera.so
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * usage: c_api [FILE.tk]: runs the kernel add(x, y, n, a) of a compiled kernel file on the processor. Without a file: shows how
 * failures look, and does nothing else. */
#include "runtime/api/tessera.h"

#include <stdio.h>
#include <stdlib.h>

static int failed(const char *what) {
  fprintf(stderr, "%s: %s\n", what, tsr_error_message());
  for (uint32_t i = 0; tsr_error_diagnostic(i); ++i)
    fprintf(stderr, "  %s\n", tsr_error_diagnostic(i));
  return 1;
}

static int run(TsrDevice *device, TsrModule *module) {
  enum { n = 1000 };
  float host[n];
  int result = 1;
  TsrKernel *add = NULL;
  TsrBuffer *x = NULL, *y = NULL;
  for (int i = 0; i < n; ++i)
    host[i] = (float)i;
  if (tsr_module_kernel(module, "add", &add) < 0 || tsr_buffer_create(device, sizeof host, &x) < 0 ||
      tsr_buffer_create(device, sizeof host, &y) < 0 || tsr_buffer_write(x, 0, host, sizeof host, NULL) < 0)
    goto done;
  TsrArgument arguments[] = {tsr_arg_buffer(x), tsr_arg_buffer(y), tsr_arg_int(n), tsr_arg_float(0.5)};
  int32_t grid[3] = {(n + 99) / 100, 1, 1};
  if (tsr_kernel_launch(add, NULL, grid, arguments, 4) < 0 || tsr_buffer_read(y, 0, host, sizeof host, NULL) < 0)
    goto done;
  printf("y[999] = %g\n", host[999]);
  result = host[999] == 999.5f ? 0 : 1;
done:
  if (result)
    failed("add");
  tsr_buffer_destroy(x);
  tsr_buffer_destroy(y);
  return result;
}

int main(int argc, char **argv) {
  TsrDevice *device = NULL;
  TsrModule *module = NULL;
  if (argc < 2) {
    tsr_status status = tsr_device_open("no-such-plugin", NULL, 0, &device);
    printf("%s: %s\n", tsr_status_name(status), tsr_error_message());
    return status == TSR_E_NOT_FOUND ? 0 : 1;
  }
  if (tsr_device_open("cpu", NULL, 0, &device) < 0)
    return failed("device");
  if (tsr_module_load_file(device, argv[1], &module) < 0) {
    tsr_device_close(device);
    return failed("module");
  }
  int result = run(device, module);
  tsr_module_unload(module);
  tsr_device_close(device);
  return result;
}
