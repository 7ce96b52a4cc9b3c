#include "millrace_checksum.h"

#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define MILLRACE_HAVE_AVX2 1
#endif

enum {
  LANES = 32,
  ROW_BYTES = LANES * sizeof(uint32_t),
  ROWS = MILLRACE_BLCKSZ / ROW_BYTES,
  CHECKSUM_OFFSET = 8, // pd_checksum follows the eight bytes of pd_lsn
  CHECKSUM_BYTES = 2,
};

_Static_assert(ROWS * ROW_BYTES == MILLRACE_BLCKSZ, "a page is a whole number of rows");
_Static_assert(CHECKSUM_OFFSET + CHECKSUM_BYTES <= ROW_BYTES, "pd_checksum lies in the first row");

static const uint32_t fnv_prime = 16777619;

// Where the hash of each lane starts. These are constants of the on-disk format, drawn at random by its authors.
static const uint32_t lane_bases[LANES] = {
    0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
    0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
    0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
    0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E, 0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756,
};

// The only part of the page that is copied: its first row, with the checksum field taken as zero.
static inline void copy_first_row(uint32_t row[LANES], const unsigned char *page) {
  memcpy(row, page, ROW_BYTES);
  memset((unsigned char *)row + CHECKSUM_OFFSET, 0, CHECKSUM_BYTES);
}

static inline uint32_t mix(uint32_t lane, uint32_t value) {
  uint32_t mixed = lane ^ value;
  return mixed * fnv_prime ^ mixed >> 17;
}

static inline void mix_row(uint32_t lanes[LANES], const uint32_t row[LANES]) {
  for (int i = 0; i < LANES; i++) {
    lanes[i] = mix(lanes[i], row[i]);
  }
}

uint32_t millrace_checksum_hash_portable(const void *page) {
  const unsigned char *bytes = page;
  uint32_t lanes[LANES];
  uint32_t row[LANES];

  memcpy(lanes, lane_bases, sizeof lanes);
  copy_first_row(row, bytes);
  mix_row(lanes, row);
  for (int i = 1; i < ROWS; i++) {
    memcpy(row, bytes + (size_t)i * ROW_BYTES, ROW_BYTES);
    mix_row(lanes, row);
  }

  // Two rows of zeros spread the bits of the last row.
  memset(row, 0, sizeof row);
  mix_row(lanes, row);
  mix_row(lanes, row);

  uint32_t hash = 0;
  for (int i = 0; i < LANES; i++) {
    hash ^= lanes[i];
  }
  return hash;
}

static void hash_pair_portable(const void *first, const void *second, uint32_t hashes[2]) {
  hashes[0] = millrace_checksum_hash_portable(first);
  hashes[1] = millrace_checksum_hash_portable(second);
}

#if MILLRACE_HAVE_AVX2

#define AVX2 __attribute__((target("avx2")))

// The 32 lanes as four registers. Multiplying takes ten cycles, so four independent chains are what hides it.
typedef struct {
  __m256i quarter[4];
} Lanes256;

AVX2 static inline Lanes256 mix_row_avx2(Lanes256 lanes, const unsigned char *row) {
  const __m256i prime = _mm256_set1_epi32((int)fnv_prime);
  for (int i = 0; i < 4; i++) {
    __m256i value = _mm256_loadu_si256((const __m256i *)(row + i * sizeof(__m256i)));
    __m256i mixed = _mm256_xor_si256(lanes.quarter[i], value);
    lanes.quarter[i] = _mm256_xor_si256(_mm256_mullo_epi32(mixed, prime), _mm256_srli_epi32(mixed, 17));
  }
  return lanes;
}

AVX2 static inline Lanes256 first_lanes_avx2(const unsigned char *page) {
  uint32_t row[LANES];
  Lanes256 lanes;
  for (int i = 0; i < 4; i++) {
    lanes.quarter[i] = _mm256_loadu_si256((const __m256i *)(lane_bases + i * 8));
  }
  copy_first_row(row, page);
  return mix_row_avx2(lanes, (const unsigned char *)row);
}

AVX2 static inline uint32_t fold_avx2(Lanes256 lanes) {
  static const uint32_t zeros[LANES];
  lanes = mix_row_avx2(lanes, (const unsigned char *)zeros);
  lanes = mix_row_avx2(lanes, (const unsigned char *)zeros);
  __m256i folded = _mm256_xor_si256(_mm256_xor_si256(lanes.quarter[0], lanes.quarter[1]),
                                    _mm256_xor_si256(lanes.quarter[2], lanes.quarter[3]));
  uint32_t words[8];
  _mm256_storeu_si256((__m256i *)words, folded);
  uint32_t hash = 0;
  for (int i = 0; i < 8; i++) {
    hash ^= words[i];
  }
  return hash;
}

AVX2 uint32_t millrace_checksum_hash_avx2(const void *page) {
  const unsigned char *bytes = page;
  Lanes256 lanes = first_lanes_avx2(bytes);
  for (int i = 1; i < ROWS; i++) {
    lanes = mix_row_avx2(lanes, bytes + (size_t)i * ROW_BYTES);
  }
  return fold_avx2(lanes);
}

// A row waits for the one before it; the rows of another page fill the wait.
AVX2 static void hash_pair_avx2(const void *first, const void *second, uint32_t hashes[2]) {
  const unsigned char *left_bytes = first;
  const unsigned char *right_bytes = second;
  Lanes256 left = first_lanes_avx2(left_bytes);
  Lanes256 right = first_lanes_avx2(right_bytes);
  for (int i = 1; i < ROWS; i++) {
    left = mix_row_avx2(left, left_bytes + (size_t)i * ROW_BYTES);
    right = mix_row_avx2(right, right_bytes + (size_t)i * ROW_BYTES);
  }
  hashes[0] = fold_avx2(left);
  hashes[1] = fold_avx2(right);
}

bool millrace_checksum_has_avx2(void) {
  // The compiler's run-time library asks the processor and the operating system once, before main; this is a load.
  return __builtin_cpu_supports("avx2");
}

#else

uint32_t millrace_checksum_hash_avx2(const void *page) {
  (void)page;
  __builtin_trap();
}

static void hash_pair_avx2(const void *first, const void *second, uint32_t hashes[2]) {
  hash_pair_portable(first, second, hashes);
}

bool millrace_checksum_has_avx2(void) {
  return false;
}

#endif

uint32_t millrace_checksum_hash(const void *page) {
  if (millrace_checksum_has_avx2()) {
    return millrace_checksum_hash_avx2(page);
  }
  return millrace_checksum_hash_portable(page);
}

uint16_t millrace_checksum_page(const void *page, uint32_t block_number) {
  return millrace_checksum_reduce(millrace_checksum_hash(page), block_number);
}

void millrace_checksum_pages(const void *first, uint32_t first_block, const void *second, uint32_t second_block,
                             uint16_t checksums[2]) {
  uint32_t hashes[2];
  if (millrace_checksum_has_avx2()) {
    hash_pair_avx2(first, second, hashes);
  } else {
    hash_pair_portable(first, second, hashes);
  }
  checksums[0] = millrace_checksum_reduce(hashes[0], first_block);
  checksums[1] = millrace_checksum_reduce(hashes[1], second_block);
}

bool millrace_page_is_zero(const void *page) {
  enum { WORDS = 8, STEP = WORDS * sizeof(uint64_t) };
  _Static_assert(MILLRACE_BLCKSZ % STEP == 0, "a page is a whole number of steps");

  const unsigned char *bytes = page;
  for (size_t offset = 0; offset < MILLRACE_BLCKSZ; offset += STEP) {
    uint64_t words[WORDS];
    memcpy(words, bytes + offset, STEP);
    uint64_t any = 0;
    for (int i = 0; i < WORDS; i++) {
      any |= words[i];
    }
    if (any != 0) {
      return false;
    }
  }
  return true;
}
