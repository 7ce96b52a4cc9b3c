#include "millrace_crc32c.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

static inline uint64_t load64(const unsigned char *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

// MARK: Portable

// Slicing by eight (Kounavis and Berry, "A Systematic Approach to Building High Performance Software-based CRC
// Generators", 2005): table k holds, for each byte, the register after that byte and k zero bytes.
//
// The register is a linear function of the byte over GF(2), so eight values, one for each bit, give a whole table, and
// the preprocessor can spell out the rest.
#define ENTRY(i, b0, b1, b2, b3, b4, b5, b6, b7)                                                                       \
  ((i) & 1 ? b0 : 0u) ^ ((i) & 2 ? b1 : 0u) ^ ((i) & 4 ? b2 : 0u) ^ ((i) & 8 ? b3 : 0u) ^ ((i) & 16 ? b4 : 0u) ^       \
      ((i) & 32 ? b5 : 0u) ^ ((i) & 64 ? b6 : 0u) ^ ((i) & 128 ? b7 : 0u)
#define ENTRIES4(i, ...)                                                                                               \
  ENTRY(i, __VA_ARGS__), ENTRY((i) + 1, __VA_ARGS__), ENTRY((i) + 2, __VA_ARGS__), ENTRY((i) + 3, __VA_ARGS__)
#define ENTRIES16(i, ...)                                                                                              \
  ENTRIES4(i, __VA_ARGS__), ENTRIES4((i) + 4, __VA_ARGS__), ENTRIES4((i) + 8, __VA_ARGS__),                            \
      ENTRIES4((i) + 12, __VA_ARGS__)
#define ENTRIES64(i, ...)                                                                                              \
  ENTRIES16(i, __VA_ARGS__), ENTRIES16((i) + 16, __VA_ARGS__), ENTRIES16((i) + 32, __VA_ARGS__),                       \
      ENTRIES16((i) + 48, __VA_ARGS__)
#define TABLE(...)                                                                                                     \
  { ENTRIES64(0, __VA_ARGS__), ENTRIES64(64, __VA_ARGS__), ENTRIES64(128, __VA_ARGS__), ENTRIES64(192, __VA_ARGS__) }

static const uint32_t tables[8][256] = {
    TABLE(0xF26B8303, 0xE13B70F7, 0xC79A971F, 0x8AD958CF, 0x105EC76F, 0x20BD8EDE, 0x417B1DBC, 0x82F63B78),
    TABLE(0x13A29877, 0x274530EE, 0x4E8A61DC, 0x9D14C3B8, 0x3FC5F181, 0x7F8BE302, 0xFF17C604, 0xFBC3FAF9),
    TABLE(0xA541927E, 0x4F6F520D, 0x9EDEA41A, 0x38513EC5, 0x70A27D8A, 0xE144FB14, 0xC76580D9, 0x8B277743),
    TABLE(0xDD45AAB8, 0xBF672381, 0x7B2231F3, 0xF64463E6, 0xE964B13D, 0xD725148B, 0xABA65FE7, 0x52A0C93F),
    TABLE(0x38116FAC, 0x7022DF58, 0xE045BEB0, 0xC5670B91, 0x8F2261D3, 0x1BA8B557, 0x37516AAE, 0x6EA2D55C),
    TABLE(0xEF306B19, 0xDB8CA0C3, 0xB2F53777, 0x6006181F, 0xC00C303E, 0x85F4168D, 0x0E045BEB, 0x1C08B7D6),
    TABLE(0x68032CC8, 0xD0065990, 0xA5E0C5D1, 0x4E2DFD53, 0x9C5BFAA6, 0x3D5B83BD, 0x7AB7077A, 0xF56E0EF4),
    TABLE(0x493C7D27, 0x9278FA4E, 0x211D826D, 0x423B04DA, 0x847609B4, 0x0D006599, 0x1A00CB32, 0x34019664),
};

uint32_t millrace_crc32c_portable(uint32_t crc, const void *data, size_t length) {
  const unsigned char *bytes = data;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  for (; length >= 8; bytes += 8, length -= 8) {
    uint64_t word = load64(bytes) ^ crc;
    crc = tables[7][word & 0xFF] ^ tables[6][word >> 8 & 0xFF] ^ tables[5][word >> 16 & 0xFF] ^
          tables[4][word >> 24 & 0xFF] ^ tables[3][word >> 32 & 0xFF] ^ tables[2][word >> 40 & 0xFF] ^
          tables[1][word >> 48 & 0xFF] ^ tables[0][word >> 56];
  }
#endif
  for (; length > 0; bytes++, length--) {
    crc = tables[0][(crc ^ *bytes) & 0xFF] ^ crc >> 8;
  }
  return crc;
}

// MARK: x86-64

#if defined(__x86_64__)

#define SSE42 __attribute__((target("sse4.2,pclmul")))

enum {
  LONG_STREAM = 1024,
  SHORT_STREAM = 128,
};

// What moves a register past n zero bytes: x^(8n - 33) modulo the polynomial, bits reversed. The carry-less product of
// two reversed words comes out one place too low, and crc32 multiplies its input by x^32: hence the 33.
static const uint32_t past_128 = 0x0D3B6092;
static const uint32_t past_256 = 0xB9E02B86;
static const uint32_t past_1024 = 0x170076FA;
static const uint32_t past_2048 = 0xA51B6135;

// The carry-less product of a register and one of the constants above, before it is reduced. Both are 32 bits wide.
SSE42 static inline uint64_t multiply(uint64_t crc, uint32_t past) {
  __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc), _mm_cvtsi32_si128((int)past), 0);
  return (uint64_t)_mm_cvtsi128_si64(product);
}

// The crc32 instruction has a latency of three cycles and a throughput of one, so three streams run side by side. Their
// registers are joined by moving the first past the two streams behind it and the second past the third (Gopal et al.,
// "Fast CRC Computation for iSCSI Polynomial Using CRC32 Instruction", Intel, 2011).
SSE42 static inline uint64_t three_streams(uint64_t crc, const unsigned char *bytes, size_t stream, uint32_t past_one,
                                           uint32_t past_two) {
  uint64_t first = crc, second = 0, third = 0;
  for (size_t i = 0; i < stream; i += 8) {
    first = _mm_crc32_u64(first, load64(bytes + i));
    second = _mm_crc32_u64(second, load64(bytes + stream + i));
    third = _mm_crc32_u64(third, load64(bytes + 2 * stream + i));
  }
  return _mm_crc32_u64(0, multiply(first, past_two) ^ multiply(second, past_one)) ^ third;
}

SSE42 uint32_t millrace_crc32c_hardware(uint32_t crc, const void *data, size_t length) {
  const unsigned char *bytes = data;
  uint64_t wide = crc;

  for (; length >= 3 * LONG_STREAM; bytes += 3 * LONG_STREAM, length -= 3 * LONG_STREAM) {
    wide = three_streams(wide, bytes, LONG_STREAM, past_1024, past_2048);
  }
  for (; length >= 3 * SHORT_STREAM; bytes += 3 * SHORT_STREAM, length -= 3 * SHORT_STREAM) {
    wide = three_streams(wide, bytes, SHORT_STREAM, past_128, past_256);
  }
  for (; length >= 8; bytes += 8, length -= 8) {
    wide = _mm_crc32_u64(wide, load64(bytes));
  }
  crc = (uint32_t)wide;
  for (; length > 0; bytes++, length--) {
    crc = _mm_crc32_u8(crc, *bytes);
  }
  return crc;
}

bool millrace_crc32c_has_hardware(void) {
  return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}

// MARK: arm64

#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)

uint32_t millrace_crc32c_hardware(uint32_t crc, const void *data, size_t length) {
  const unsigned char *bytes = data;
  for (; length >= 8; bytes += 8, length -= 8) {
    crc = __crc32cd(crc, load64(bytes));
  }
  for (; length > 0; bytes++, length--) {
    crc = __crc32cb(crc, *bytes);
  }
  return crc;
}

bool millrace_crc32c_has_hardware(void) {
  return true;
}

#else

uint32_t millrace_crc32c_hardware(uint32_t crc, const void *data, size_t length) {
  (void)crc;
  (void)data;
  (void)length;
  __builtin_trap();
}

bool millrace_crc32c_has_hardware(void) {
  return false;
}

#endif

uint32_t millrace_crc32c(uint32_t crc, const void *data, size_t length) {
  if (millrace_crc32c_has_hardware()) {
    return millrace_crc32c_hardware(crc, data, length);
  }
  return millrace_crc32c_portable(crc, data, length);
}
