/* copy.c - the memory-bound peer: a plain and a non-temporal copy on a number of threads
 * SPDX-License-Identifier: Apache-2.0 */
#include <immintrin.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

typedef struct {
  char *dst;
  const char *src;
  uint64_t bytes;
  int streaming;
} job;

static void *run(void *p) {
  job *j = p;
  if (!j->streaming) {
    memcpy(j->dst, j->src, j->bytes);
    return 0;
  }
  for (uint64_t i = 0; i < j->bytes; i += 64) {
    __m256i a = _mm256_load_si256((const __m256i *)(j->src + i)),
            b = _mm256_load_si256((const __m256i *)(j->src + i + 32));
    _mm256_stream_si256((__m256i *)(j->dst + i), a);
    _mm256_stream_si256((__m256i *)(j->dst + i + 32), b);
  }
  _mm_sfence();
  return 0;
}

/* Copies `bytes` (a multiple of 64 * threads; both 64-byte aligned) and returns nanoseconds. At most 64 threads.
 * A name of C: NOLINTNEXTLINE(readability-identifier-naming) */
__attribute__((visibility("default"))) int64_t tessera_perf_copy(void *dst, const void *src, uint64_t bytes,
                                                                 int threads, int streaming) {
  struct timespec a, b;
  pthread_t t[64];
  job j[64];
  uint64_t part = bytes / (uint64_t)threads;
  clock_gettime(CLOCK_MONOTONIC, &a);
  for (int i = 0; i < threads; ++i) {
    j[i] = (job){(char *)dst + part * (uint64_t)i, (const char *)src + part * (uint64_t)i, part, streaming};
    if (i)
      pthread_create(&t[i], 0, run, &j[i]);
  }
  run(&j[0]);
  for (int i = 1; i < threads; ++i)
    pthread_join(t[i], 0);
  clock_gettime(CLOCK_MONOTONIC, &b);
  return (b.tv_sec - a.tv_sec) * 1000000000ll + (b.tv_nsec - a.tv_nsec);
}
