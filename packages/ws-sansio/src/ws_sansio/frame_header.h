/* The header of a frame (RFC 6455, section 5.2). Reads it; what it may say is judged elsewhere. */
#ifndef WS_FRAME_HEADER_H
#define WS_FRAME_HEADER_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    unsigned char first;    /* FIN, RSV1-3, opcode */
    unsigned char masked;   /* the MASK bit */
    unsigned char form;     /* the 7-bit length: 126 and 127 announce a longer one */
    uint64_t length;
    unsigned char key[4];
} ws_frame_header;

/* Returns the size of the header, or 0 where `n` bytes don't hold all of it. */
static inline int ws_scan_header(ws_frame_header *h, const unsigned char *p, size_t n) {
    if (n < 2) return 0;
    int size = 2;
    h->first = p[0];
    h->masked = p[1] >> 7;
    h->form = p[1] & 0x7F;
    if (h->form < 126) {
        h->length = h->form;
    } else {
        int wide = h->form == 126 ? 2 : 8;
        if (n < (size_t)(2 + wide)) return 0;
        h->length = 0;
        for (int i = 0; i < wide; i++) h->length = h->length << 8 | p[2 + i];
        size += wide;
    }
    if (h->masked) {
        if (n < (size_t)(size + 4)) return 0;
        for (int i = 0; i < 4; i++) h->key[i] = p[size + i];
        size += 4;
    }
    return size;
}

/* Writes a header and returns its size: 14 bytes at most. `key` is NULL for no mask. */
static inline int ws_write_header(unsigned char *p, unsigned char first, uint64_t length,
                                  const unsigned char *key) {
    int size = 2;
    p[0] = first;
    if (length < 126) {
        p[1] = (unsigned char)length;
    } else {
        int wide = length < 65536 ? 2 : 8;
        p[1] = wide == 2 ? 126 : 127;
        for (int i = 0; i < wide; i++) p[2 + i] = (unsigned char)(length >> (8 * (wide - 1 - i)));
        size += wide;
    }
    if (key) {
        p[1] |= 0x80;
        for (int i = 0; i < 4; i++) p[size + i] = key[i];
        size += 4;
    }
    return size;
}

#endif
