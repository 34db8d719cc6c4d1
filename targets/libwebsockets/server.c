/* The WebSocket part of the target contract, on libwebsockets as it comes. The library chooses a
 * subprotocol in the client's order and does not list header fields, so these are not offered. Nor is
 * permessage-deflate: an empty message that is sent compressed ends the process by an assertion. */
#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>

#define MAX_MESSAGE (16 * 1024 * 1024) /* octets; declared as max_message in target.toml */
#define MAX_PUSH 100000

struct message {
    struct message *next;
    size_t length;
    int binary;
    unsigned char room[LWS_PRE], octets[];
};

struct session {
    struct message *coming, *first, *last; /* being received; to be sent */
    size_t size;                           /* of what is pushed */
    int pushed, count, code;
    char reason[124];
};

static struct message *longer(struct message *message, const void *octets, size_t length) {
    size_t had = message ? message->length : 0;
    struct message *grown = realloc(message, sizeof *grown + had + length);
    if (!grown) exit(1);
    if (octets) memcpy(grown->octets + had, octets, length);
    else memset(grown->octets + had, 0, length);
    grown->length = had + length;
    grown->next = NULL;
    return grown;
}

static void queue(struct session *session, struct message *message) {
    if (session->first) session->last->next = message;
    else session->first = message;
    session->last = message;
}

static int number(struct lws *wsi, const char *name, int otherwise) {
    char value[16];
    const char *found = lws_get_urlarg_by_name(wsi, name, value, sizeof value);
    return found ? atoi(found) : otherwise;
}

static int least(int one, int other) {
    return one < other ? one : other;
}

static int serve(struct lws *wsi, enum lws_callback_reasons why, void *user, void *in, size_t length) {
    struct session *session = user;
    struct message *message;
    char path[64] = "", reason[160];
    switch (why) {
    case LWS_CALLBACK_ESTABLISHED:
        lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI);
        if (!strcmp(path, "/push")) {
            session->count = least(number(wsi, "count=", 1), MAX_PUSH);
            session->size = least(number(wsi, "size=", 8), MAX_MESSAGE);
        } else if (!strcmp(path, "/close")) {
            session->code = number(wsi, "code=", 1000);
            const char *found = lws_get_urlarg_by_name(wsi, "reason=", reason, sizeof reason);
            strncpy(session->reason, found ? found : "", sizeof session->reason - 1);
        }
        lws_callback_on_writable(wsi);
        break;
    case LWS_CALLBACK_RECEIVE:
        session->coming = longer(session->coming, in, length);
        if (session->coming->length > MAX_MESSAGE) {
            lws_close_reason(wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, NULL, 0);
            return -1;
        }
        if (lws_is_final_fragment(wsi) && !lws_remaining_packet_payload(wsi)) {
            session->coming->binary = lws_frame_is_binary(wsi);
            queue(session, session->coming);
            session->coming = NULL;
            lws_callback_on_writable(wsi);
        }
        break;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        if (session->code) {
            lws_close_reason(wsi, session->code, (void *)session->reason, strlen(session->reason));
            return -1;
        }
        if (session->pushed < session->count) {
            message = longer(NULL, NULL, session->size < 8 ? 8 : session->size);
            for (int k = 0; k < 4; k++) message->octets[7 - k] = session->pushed >> (8 * k);
            message->length = session->size;
            message->binary = 1;
            message->next = session->first; /* what came in the meantime is answered behind it */
            if (!session->first) session->last = message;
            session->first = message;
            session->pushed++;
        }
        if (!(message = session->first)) break;
        session->first = message->next;
        int kind = message->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
        int wrote = lws_write(wsi, message->octets, message->length, kind);
        free(message);
        if (wrote < 0) return -1;
        lws_callback_on_writable(wsi);
        break;
    case LWS_CALLBACK_CLOSED:
        free(session->coming);
        while ((message = session->first)) session->first = message->next, free(message);
        break;
    default:
        return lws_callback_http_dummy(wsi, why, user, in, length);
    }
    return 0;
}

int main(int count, char **words) {
    struct lws_protocols protocols[] = {{.name = "proof", .callback = serve}, {.name = NULL}};
    protocols[0].per_session_data_size = sizeof(struct session);
    struct lws_context_creation_info info = {.port = atoi(words[1]), .iface = "127.0.0.1"};
    info.protocols = protocols;
    info.options = LWS_SERVER_OPTION_VALIDATE_UTF8 | LWS_SERVER_OPTION_DISABLE_IPV6;
    if (count == 4) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = words[2];
        info.ssl_private_key_filepath = words[3];
    }
    lws_set_log_level(LLL_ERR, NULL);
    struct lws_context *context = lws_create_context(&info);
    while (context && lws_service(context, 0) >= 0) continue;
    return 1;
}
