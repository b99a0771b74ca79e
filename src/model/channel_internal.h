/*
 * What the files of the channel share.
 */
#ifndef MODEL_CHANNEL_INTERNAL_H
#define MODEL_CHANNEL_INTERNAL_H

#include "base/buf.h"
#include "model/channel.h"

/* All of from but its references: others may be counting while this reads. Texts stay lent. */
void channel_lend(struct channel *to, const struct channel *from);

/* A channel of its own, with copies of all texts that from lends and a share in its gate. */
struct channel *channel_pack(const struct channel *from);

/* CHANNEL_STORED is whole; CHANNEL_SHOWN hides what may be a secret. */
enum channel_view { CHANNEL_STORED, CHANNEL_SHOWN };

/* A channel in the making: its texts and arrays lie in the JSON, in base or here. */
struct channel_draft {
    struct channel channel;
    struct slice events[FILTER_PATTERNS_MAX];
    struct channel_header headers[CHANNEL_HEADERS_MAX];
    struct buf scratch; /* unescaped texts; reserved beforehand so that they never move */
    const struct channel *base;
    const struct channel_defaults *defaults;
    struct diag *diag;
};

/* What its dialect, read before, has for channels that say nothing else; NULL: nothing. */
const struct dialect_rules *channel_draft_rules(const struct channel_draft *draft);

struct channel_member_type;

/* One row of the table of settings. */
struct channel_member {
    const char *name;
    const struct channel_member_type *type;
    uint8_t kinds;      /* of channels that it fits, as bits */
    size_t offset;      /* of its field in struct channel */
    int64_t min, max;   /* of a number; in microseconds for a time; max also of bytes */
    int64_t by_default; /* of a number or a flag */
    const char *text;   /* a line's default */
    bool is_never_put;  /* taken, but in no answer and not among the stored settings */
    enum err (*check)(struct slice line, const char *field, struct diag *diag);
};

/* set reads a value that is there and not null; reset gives the default. Both may refuse. */
struct channel_member_type {
    enum err (*set)(const struct channel_member *member, struct json value,
                    struct channel_draft *draft);
    enum err (*reset)(const struct channel_member *member, struct channel_draft *draft);
    void (*put)(const struct channel_member *member, const struct channel *channel,
                enum channel_view view, struct json_writer *out);
};

/* Of simple values, whose field of struct channel the member names. */
extern const struct channel_member_type channel_member_line;         /* struct slice */
extern const struct channel_member_type channel_member_count;        /* uint32_t */
extern const struct channel_member_type channel_member_flag;         /* bool */
extern const struct channel_member_type channel_member_milliseconds; /* int64_t microseconds */

/* Of one member each. */
extern const struct channel_member_type channel_member_kind;
extern const struct channel_member_type channel_member_patterns;
extern const struct channel_member_type channel_member_headers;
extern const struct channel_member_type channel_member_timeout;
extern const struct channel_member_type channel_member_retry;
extern const struct channel_member_type channel_member_ordered;
extern const struct channel_member_type channel_member_pace;
extern const struct channel_member_type channel_member_tls;
extern const struct channel_member_type channel_member_options;
extern const struct channel_member_type channel_member_secret;

#endif
