/* UTF-8 validation that can stop anywhere and go on with the next bytes.
   The rules are table 3-7 of the Unicode standard (RFC 3629, section 4): no overlong form, no
   surrogate, nothing above U+10FFFF, and each is noticed at the first byte that shows it. */
#ifndef WS_UTF8_H
#define WS_UTF8_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    unsigned char pending[4]; /* the bytes of a character that has begun and not ended */
    int begun;                /* how many of them there are */
    int wanted;               /* how many continuation bytes are still to come */
    unsigned char low, high;  /* the range that the next one must lie in */
} ws_utf8;

static inline void ws_utf8_reset(ws_utf8 *state) {
    state->begun = 0;
    state->wanted = 0;
    state->low = 0x80;
    state->high = 0xBF;
}

/* Returns 1 where `src` can go on as UTF-8, 0 where it can't. */
static inline int ws_utf8_feed(ws_utf8 *state, const unsigned char *src, size_t n) {
    size_t i = 0;
    while (i < n) {
        if (state->wanted) {
            unsigned char byte = src[i++];
            if (byte < state->low || byte > state->high) return 0;
            state->low = 0x80;
            state->high = 0xBF;
            state->pending[state->begun++] = byte;
            if (--state->wanted == 0) state->begun = 0;
            continue;
        }
        while (i + 8 <= n) {
            uint64_t word;
            memcpy(&word, src + i, 8);
            if (word & UINT64_C(0x8080808080808080)) break;
            i += 8;
        }
        if (i >= n) break;
        unsigned char byte = src[i++];
        if (byte < 0x80) continue;
        if (byte < 0xC2 || byte > 0xF4) return 0;
        if (byte < 0xE0) {
            state->wanted = 1;
        } else if (byte < 0xF0) {
            state->wanted = 2;
            if (byte == 0xE0) state->low = 0xA0;  /* shorter forms exist */
            if (byte == 0xED) state->high = 0x9F; /* surrogates */
        } else {
            state->wanted = 3;
            if (byte == 0xF0) state->low = 0x90;
            if (byte == 0xF4) state->high = 0x8F;
        }
        state->pending[0] = byte;
        state->begun = 1;
    }
    return 1;
}

#endif
