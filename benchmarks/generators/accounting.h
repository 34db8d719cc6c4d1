/* What sockproof writes down of a message, in C: a stamp before its body, a row of 32 octets for each
 * that is sent, heard or acknowledged, in a mapped file, and a count in a histogram of latencies.
 * Rows and stamps are those of `runs/load_records.py` and `wire/stamp.py`; little endian.
 */
#ifndef ACCOUNTING_H
#define ACCOUNTING_H
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { ROW = 32, STEP = 4 << 20, STAMP = 53, MARK = 5, CHECKED = 36 };
enum { EMIT = 1, ACK = 2, RECEIPT = 4, RUN = 4711 };

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static unsigned char values[256];
static uint32_t crc_of[8][256];
static uint64_t latencies[1 << 14];
static unsigned long spoilt;
static int rows_file;
static off_t rows_end;
static unsigned char *rows_map;
static size_t rows_at = STEP;

static uint64_t clock_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* CRC-32, eight octets at a time. */
static uint32_t crc32_of(const unsigned char *data, size_t length) {
    uint32_t crc = ~0u;
    for (; length >= 8; data += 8, length -= 8) {
        uint32_t low, high;
        memcpy(&low, data, 4), memcpy(&high, data + 4, 4);
        low ^= crc;
        crc = crc_of[7][low & 255] ^ crc_of[6][low >> 8 & 255] ^ crc_of[5][low >> 16 & 255] ^
              crc_of[4][low >> 24] ^ crc_of[3][high & 255] ^ crc_of[2][high >> 8 & 255] ^
              crc_of[1][high >> 16 & 255] ^ crc_of[0][high >> 24];
    }
    while (length--)
        crc = crc_of[0][(crc ^ *data++) & 255] ^ crc >> 8;
    return ~crc;
}

static void begin_accounting(const char *file) {
    rows_file = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (rows_file < 0) {
        perror("limit_client: the file of rows");
        exit(1);
    }
    for (unsigned i = 0; i < 64; i++)
        values[(unsigned char)ALPHABET[i]] = (unsigned char)i;
    for (unsigned i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
        crc_of[0][i] = crc;
    }
    for (unsigned i = 0; i < 256; i++)
        for (int k = 1; k < 8; k++)
            crc_of[k][i] = crc_of[k - 1][i] >> 8 ^ crc_of[0][crc_of[k - 1][i] & 255];
}

static void write_row(uint64_t a, uint64_t b, uint64_t c, uint32_t client, uint16_t mark,
                      unsigned char kind) {
    if (rows_at == STEP) {
        if (rows_map != NULL)
            munmap(rows_map, STEP);
        if (ftruncate(rows_file, rows_end + STEP) < 0)
            exit(1);
        rows_map = mmap(NULL, STEP, PROT_READ | PROT_WRITE, MAP_SHARED, rows_file, rows_end);
        if (rows_map == MAP_FAILED)
            exit(1);
        rows_end += STEP, rows_at = 0;
    }
    unsigned char *row = rows_map + rows_at;
    memcpy(row, &a, 8), memcpy(row + 8, &b, 8), memcpy(row + 16, &c, 8);
    memcpy(row + 24, &client, 4), memcpy(row + 28, &mark, 2);
    row[30] = 0, row[31] = kind;
    rows_at += ROW;
}

/* Write down that a client is about to send its message of this number, and stamp it. */
static void stamp_message(char *out, uint32_t client, uint32_t sequence, uint32_t checksum) {
    unsigned char fields[CHECKED];
    uint32_t run = RUN, delay = 0, check;
    uint64_t sender = client, now = clock_now();
    memcpy(fields, &run, 4), memcpy(fields + 4, &sender, 8), memcpy(fields + 12, &sequence, 4);
    memcpy(fields + 16, &now, 8), memcpy(fields + 24, &delay, 4), memcpy(fields + 28, &checksum, 4);
    check = crc32_of(fields, CHECKED - 4);
    memcpy(fields + 32, &check, 4);
    write_row((uint64_t)sequence << 32, now, (uint64_t)checksum << 32, client, (uint16_t)check, EMIT);
    memcpy(out, "$sp1$", MARK);
    out += MARK;
    for (int i = 0; i < CHECKED; i += 3, out += 4) {
        uint32_t three = (uint32_t)fields[i] << 16 | (uint32_t)fields[i + 1] << 8 | fields[i + 2];
        out[0] = ALPHABET[three >> 18], out[1] = ALPHABET[three >> 12 & 63];
        out[2] = ALPHABET[three >> 6 & 63], out[3] = ALPHABET[three & 63];
    }
}

/* Read the stamp of a message that a client has heard, see that it and the body are as they were
 * sent, and write that down; `acknowledges` says that the message came back in an acknowledgement. */
static void heard_message(const char *data, size_t length, uint32_t client, int acknowledges) {
    unsigned char fields[CHECKED];
    const char *mark = memmem(data, length, "$sp1$", MARK), *end = data + length;
    const char *body = mark == NULL ? end : mark + STAMP;
    const char *quote = body < end ? memchr(body, '"', (size_t)(end - body)) : NULL;
    if (quote == NULL) {
        spoilt++;
        return;
    }
    const unsigned char *text = (const unsigned char *)mark + MARK;
    for (int i = 0; i < CHECKED; i += 3, text += 4) {
        uint32_t three = (uint32_t)values[text[0]] << 18 | (uint32_t)values[text[1]] << 12 |
                         (uint32_t)values[text[2]] << 6 | values[text[3]];
        fields[i] = (unsigned char)(three >> 16), fields[i + 1] = (unsigned char)(three >> 8);
        fields[i + 2] = (unsigned char)three;
    }
    uint32_t sequence, checksum, check;
    uint64_t sender, intended, now = clock_now();
    memcpy(&sender, fields + 4, 8), memcpy(&sequence, fields + 12, 4);
    memcpy(&intended, fields + 16, 8), memcpy(&checksum, fields + 28, 4);
    memcpy(&check, fields + 32, 4);
    if (check != crc32_of(fields, CHECKED - 4) ||
        checksum != crc32_of((const unsigned char *)body, (size_t)(quote - body)))
        spoilt++;
    write_row(sender, (uint64_t)checksum << 32 | sequence, now, client, (uint16_t)check, RECEIPT);
    if (acknowledges)
        write_row(sequence, 0, now, client, 0, ACK);
    uint64_t value = now - intended;
    int shift = value >> 8 ? 56 - __builtin_clzll(value) : 0;
    latencies[shift > 0 ? ((uint64_t)shift << 7) + (value >> shift) : value]++;
}

#endif
