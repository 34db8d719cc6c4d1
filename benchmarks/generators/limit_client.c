/* The limit that system calls set: what a generator could do if it counted nothing but answers.
 *
 *     limit_client PORT CONNECTIONS echo|broadcast|idle [ROWS]
 *
 * One thread, one epoll loop, one connection a user. In `echo` every connection has one event on
 * its way; in `broadcast` the first one speaks again when it has heard itself. It runs until
 * SIGTERM, and prints what it counted. With a file of rows it stamps each message and writes down
 * what it sends and hears, as sockproof does (accounting.h).
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "accounting.h"
#include "frames.h"

struct connection {
    int fd, shaken, joined;
    unsigned id, said;
    struct buffer in;
};

static const unsigned char MASK[4] = {0x21, 0x5a, 0x7c, 0x93};
static const char BODY[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static volatile sig_atomic_t stopped;
static unsigned long acknowledged, receipts, opened;
static int speaks, echoes, accounts;
static uint32_t body_crc;
static struct connection *all;
static unsigned char chunk[65536];

static void stop(int signal) {
    (void)signal;
    stopped = 1;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void send_frame(struct connection *c, int opcode, const char *message, size_t length) {
    unsigned char out[512];
    size_t at = header(out, opcode, length);
    out[1] |= 0x80;
    memcpy(out + at, MASK, 4);
    at += 4;
    for (size_t i = 0; i < length; i++)
        out[at + i] = (unsigned char)message[i] ^ MASK[i & 3];
    if (send(c->fd, out, at + length, MSG_NOSIGNAL) < 0)
        fail("limit_client: send");
}

/* A message before its body, and the stamp where messages have one. */
static void say(struct connection *c, char *message, int length) {
    if (accounts) {
        stamp_message(message + length, (uint32_t)(c - all) + 1, ++c->said, body_crc);
        length += STAMP;
    }
    length += sprintf(message + length, "%s\"]", BODY);
    send_frame(c, 1, message, (size_t)length);
}

static void ask(struct connection *c) {
    char message[256];
    say(c, message, sprintf(message, "42%u[\"message-with-ack\",\"", c->id++));
}

static void speak(struct connection *c) {
    char message[256];
    say(c, message, sprintf(message, "42[\"say-all\",\""));
}

static void text(struct connection *c, const char *data, size_t length) {
    if (length == 0)
        return;
    if (data[0] == '0') {
        send_frame(c, 1, "40", 2);
    } else if (data[0] == '2') {
        send_frame(c, 1, "3", 1);
    } else if (length > 2 && data[1] == '0') {
        c->joined = 1;
        opened++;
        if (echoes)
            ask(c);
        if (speaks && c == all)
            speak(c);
    } else if (length > 2 && data[1] == '3') {
        acknowledged++;
        if (accounts)
            heard_message(data, length, (uint32_t)(c - all) + 1, 1);
        ask(c);
    } else if (length > 2 && data[1] == '2') {
        receipts++;
        if (accounts)
            heard_message(data, length, (uint32_t)(c - all) + 1, 0);
        if (c == all)
            speak(c);
    }
}

static size_t take(struct connection *c, unsigned char *data, size_t available) {
    if (!c->shaken) {
        unsigned char *last = memmem(data, available, "\r\n\r\n", 4);
        if (last == NULL)
            return 0;
        if (available < 12 || memcmp(data + 9, "101", 3) != 0) {
            fprintf(stderr, "limit_client: the upgrade was refused\n");
            exit(1);
        }
        c->shaken = 1;
        return (size_t)(last - data) + 4;
    }
    size_t at = 2, length;
    if (available < 2)
        return 0;
    length = data[1];
    if (length == 126) {
        if (available < 4)
            return 0;
        length = (size_t)data[2] << 8 | data[3], at = 4;
    }
    if (available < at + length)
        return 0;
    if ((data[0] & 15) == 1)
        text(c, (char *)data + at, length);
    return at + length;
}

static void readable(struct connection *c) {
    ssize_t got = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        fprintf(stderr, "limit_client: the target closed a connection\n");
        exit(1);
    }
    unsigned char *data = chunk;
    size_t length = (size_t)got, at = 0, taken;
    if (c->in.length) {
        append(&c->in, chunk, length);
        data = c->in.data, length = c->in.length;
    }
    while (at < length && (taken = take(c, data + at, length - at)) > 0)
        at += taken;
    if (c->in.length) {
        memmove(data, data + at, length - at);
        c->in.length = length - at;
    } else if (at < length) {
        append(&c->in, data + at, length - at);
    }
    if (c->in.length == 0)
        forget(&c->in);
}

static void dial(struct connection *c, int port, int poll_fd) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    char request[512];
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address))
        fail("limit_client: connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    snprintf(request, sizeof request,
             "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
             "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
             port);
    if (send(c->fd, request, strlen(request), MSG_NOSIGNAL) < 0)
        fail("limit_client: send");
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &event);
}

int main(int count, char **words) {
    struct epoll_event events[256];
    struct sigaction action = {.sa_handler = stop};
    int poll_fd = epoll_create1(0), port, users, dialled = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigaction(SIGTERM, &action, NULL);
    if (count < 4 || count > 5 || (port = atoi(words[1])) <= 0 || (users = atoi(words[2])) <= 0) {
        fprintf(stderr, "limit_client PORT CONNECTIONS echo|broadcast|idle [ROWS]\n");
        return 3;
    }
    echoes = strcmp(words[3], "echo") == 0;
    speaks = strcmp(words[3], "broadcast") == 0;
    if ((accounts = count == 5)) {
        begin_accounting(words[4]);
        body_crc = crc32_of((const unsigned char *)BODY, strlen(BODY));
    }
    all = calloc((size_t)users, sizeof *all);
    while (!stopped) {
        for (int i = 0; i < 64 && dialled < users; i++)
            dial(&all[dialled++], port, poll_fd);
        int ready = epoll_wait(poll_fd, events, 256, dialled < users ? 0 : 1000);
        for (int i = 0; i < ready; i++)
            readable(events[i].data.ptr);
    }
    printf("{\"opened\":%lu,\"acknowledged\":%lu,\"receipts\":%lu}\n", opened, acknowledged,
           receipts);
    if (spoilt)
        fprintf(stderr, "limit_client: %lu messages did not come back as they were sent\n", spoilt);
    return spoilt != 0;
}
