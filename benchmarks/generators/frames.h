/* What the target and the client in C have in common: buffers and the heads of frames of RFC 6455. */
#ifndef FRAMES_H
#define FRAMES_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct buffer {
    unsigned char *data;
    size_t length, capacity;
};

static void append(struct buffer *buffer, const void *data, size_t length) {
    if (buffer->length + length > buffer->capacity) {
        buffer->capacity = (buffer->length + length) * 2;
        buffer->data = realloc(buffer->data, buffer->capacity);
        if (buffer->data == NULL)
            exit(2);
    }
    memcpy(buffer->data + buffer->length, data, length);
    buffer->length += length;
}

static void forget(struct buffer *buffer) {
    free(buffer->data);
    memset(buffer, 0, sizeof *buffer);
}

/* The head of an unmasked frame; gives its length. */
static size_t header(unsigned char *out, int opcode, size_t length) {
    out[0] = (unsigned char)(0x80 | opcode);
    if (length < 126) {
        out[1] = (unsigned char)length;
        return 2;
    }
    if (length < 65536) {
        out[1] = 126, out[2] = (unsigned char)(length >> 8), out[3] = (unsigned char)length;
        return 4;
    }
    out[1] = 127;
    for (int i = 0; i < 8; i++)
        out[2 + i] = (unsigned char)((uint64_t)length >> (56 - 8 * i));
    return 10;
}

#endif
