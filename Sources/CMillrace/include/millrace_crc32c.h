// CRC-32C (Castagnoli), the check of PostgreSQL's WAL records and of its control file.
#ifndef MILLRACE_CRC32C_H
#define MILLRACE_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// PostgreSQL's convention (src/include/port/pg_crc32c.h): the register starts as all ones, takes any number of pieces,
// and is inverted at the end.
//
//   uint32_t crc = MILLRACE_CRC32C_INITIAL;
//   crc = millrace_crc32c(crc, head, head_length);
//   crc = millrace_crc32c(crc, tail, tail_length);
//   crc ^= MILLRACE_CRC32C_FINAL_XOR;
#define MILLRACE_CRC32C_INITIAL 0xFFFFFFFFu
#define MILLRACE_CRC32C_FINAL_XOR 0xFFFFFFFFu

// Feeds length bytes to the register crc and returns it. Neither the initial nor the final value is applied here, so
// calls chain. Needs no alignment, has no state, and may be called on any thread at any time.
uint32_t millrace_crc32c(uint32_t crc, const void *data, size_t length);

// The implementations between which millrace_crc32c chooses by what the processor can do. For tests.
uint32_t millrace_crc32c_portable(uint32_t crc, const void *data, size_t length);
bool millrace_crc32c_has_hardware(void);
// SSE4.2 with PCLMULQDQ on x86-64; the CRC extension on arm64, when the compiler may assume it. Only where
// millrace_crc32c_has_hardware() is true.
uint32_t millrace_crc32c_hardware(uint32_t crc, const void *data, size_t length);

#pragma clang assume_nonnull end

#endif
