/* XOR with a masking key (RFC 6455, section 5.3), copying out, eight bytes at a time.
   The compiler widens the loop further where the target has vector registers. */
#ifndef WS_MASKING_H
#define WS_MASKING_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* `phase` is the number of payload bytes that the key has already been applied to. */
static inline void ws_mask(unsigned char *dst, const unsigned char *src, size_t n,
                           const unsigned char *key, size_t phase) {
    unsigned char rotated[8];
    for (int i = 0; i < 8; i++) rotated[i] = key[(phase + (size_t)i) & 3];
    uint64_t wide;
    memcpy(&wide, rotated, 8);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t word;
        memcpy(&word, src + i, 8);
        word ^= wide;
        memcpy(dst + i, &word, 8);
    }
    for (; i < n; i++) dst[i] = src[i] ^ rotated[i & 7];
}

/* The same, for text that is hoped to be ASCII: stops after the block that shows it isn't.
   Returns 1 where every byte was ASCII. */
static inline int ws_mask_ascii(unsigned char *dst, const unsigned char *src, size_t n,
                                const unsigned char *key, size_t phase) {
    size_t i = 0;
    while (i < n) {
        size_t count = n - i > 4096 ? 4096 : n - i;
        ws_mask(dst + i, src + i, count, key, phase + i);
        uint64_t seen = 0;
        size_t j = 0;
        for (; j + 8 <= count; j += 8) {
            uint64_t word;
            memcpy(&word, dst + i + j, 8);
            seen |= word;
        }
        for (; j < count; j++) seen |= dst[i + j];
        if (seen & UINT64_C(0x8080808080808080)) return 0;
        i += count;
    }
    return 1;
}

#endif
